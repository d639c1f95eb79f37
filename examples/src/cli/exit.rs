//! Exit codes.

use csdr_core::{Error, ErrorKind, report::Outcome};

/// How the program ends.
///
/// ```
/// use csdr_core::{Error, report::Outcome};
/// use csdr_examples::cli::Exit;
/// assert_eq!(Exit::from(Outcome::PartiallyFailed).code(), 3);
/// assert_eq!(Exit::of(&Error::invalid("no such field")).code(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything is done.
    Complete,
    /// Not done, or `verify` found damage.
    Failed,
    /// The command line or a spec is wrong, or selects nothing; nothing was changed.
    Usage,
    /// Done but for what the report lists.
    Partial,
    /// Ctrl-C or SIGTERM.
    Cancelled,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> i32 {
        match self {
            Self::Complete => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Cancelled => 130,
        }
    }

    /// What an error before any change means.
    pub fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput => Self::Usage,
            ErrorKind::Cancelled => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Completed => Self::Complete,
            Outcome::PartiallyFailed => Self::Partial,
            Outcome::Failed => Self::Failed,
            Outcome::Cancelled => Self::Cancelled,
        }
    }
}
