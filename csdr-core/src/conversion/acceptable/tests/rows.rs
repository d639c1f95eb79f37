//! Examples: what goes in, what comes out, what is said.

mod core;
mod ordinary;
mod others;

pub(super) use ordinary::ORDINARY;

/// One example.
pub(super) struct Row {
    /// Where the rule is written; `[csi]`, `[field]` and `[zero]` stand for options.
    pub(super) source: &'static str,
    pub(super) minor: u32,
    pub(super) before: &'static str,
    /// Empty where nothing is changed, or where the object is refused.
    pub(super) after: &'static str,
    /// How each change, then each loss begins; parts of the reason of a refusal.
    pub(super) said: &'static [&'static str],
}

const fn row(
    source: &'static str,
    minor: u32,
    before: &'static str,
    after: &'static str,
    said: &'static [&'static str],
) -> Row {
    Row {
        source,
        minor,
        before,
        after,
        said,
    }
}

/// Every example.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    core::ROWS.iter().chain(others::ROWS)
}
