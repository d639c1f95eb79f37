//! How much memory this process held.

use crate::Result;

/// The peak of the resident set in MiB. Source: `VmHWM` of `/proc/self/status`, in KiB.
pub(crate) fn peak_rss_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|error| format!("peak memory is only known on Linux: {error}"))?;
    Ok(peak_kib(&status).ok_or("/proc/self/status has no VmHWM")? as f64 / 1024.0)
}

fn peak_kib(status: &str) -> Option<u64> {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found() {
        let status = "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(peak_kib(status), Some(2048));
        assert_eq!(peak_kib("VmRSS:\t 1 kB\n"), None);
    }
}
