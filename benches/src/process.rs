//! What a process took: memory and processor time.

use crate::Result;
use std::fs;

/// The peak of this process's resident set in MiB. Source: `VmHWM` of `/proc/self/status`, in KiB.
pub(crate) fn peak_rss_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")
        .map_err(|error| format!("peak memory is only known on Linux: {error}"))?;
    Ok(peak_kib(&status).ok_or("/proc/self/status has no VmHWM")? as f64 / 1024.0)
}

/// Processor seconds of a process so far, in user and kernel mode. Unlike the time on the clock, they say the same on a busy machine.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = cpu_ticks(&stat).ok_or("/proc/PID/stat has another shape")?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn peak_kib(status: &str) -> Option<u64> {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Source: proc_pid_stat(5), fields 14 (utime) and 15 (stime); the name in field 2 may hold blanks.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_found() {
        let status = "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(peak_kib(status), Some(2048));
        assert_eq!(peak_kib("VmRSS:\t 1 kB\n"), None);
    }

    #[test]
    fn processor_time_is_found() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3";
        assert_eq!(cpu_ticks(stat), Some(300));
    }
}
