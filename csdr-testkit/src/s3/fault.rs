//! Which requests fail, and how.

use super::http::LoggedRequest;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A failure, and the requests that it hits.
#[derive(Clone, Debug)]
pub struct S3Fault {
    failure: S3Failure,
    filter: RequestFilter,
    skip: usize,
    times: usize,
}

/// How a request fails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum S3Failure {
    /// An error document: `Error(503, "SlowDown")`, `Error(404, "NoSuchBucket")`. The request has no effect.
    Error(u16, &'static str),
    /// No answer, until the client goes away. The request has no effect.
    Hang,
    /// The connection is closed without an answer. The request has no effect.
    Close,
    /// The request takes effect; then the connection is closed without an answer.
    LoseAnswer,
    /// The request takes effect; the answer's body ends after so many bytes, and the connection is closed.
    CutBody(usize),
}

/// Which requests are meant; every condition must hold.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    method: Option<String>,
    contains: Vec<String>,
}

impl RequestFilter {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of one method: `PUT`.
    pub fn method(method: impl Into<String>) -> Self {
        Self {
            method: Some(method.into()),
            contains: Vec::new(),
        }
    }

    /// And whose path and query (as sent, percent-encoded) contain a text: `uploadId=`, `claim-1.json`.
    #[must_use]
    pub fn containing(mut self, text: impl Into<String>) -> Self {
        self.contains.push(text.into());
        self
    }

    /// Whether a request is meant.
    pub fn matches(&self, request: &LoggedRequest) -> bool {
        self.method
            .as_ref()
            .is_none_or(|method| *method == request.method)
            && self
                .contains
                .iter()
                .all(|text| request.target.contains(text))
    }
}

impl S3Fault {
    /// Hits the next request.
    pub fn next(failure: S3Failure) -> Self {
        Self {
            failure,
            filter: RequestFilter::any(),
            skip: 0,
            times: 1,
        }
    }

    /// Hits requests of this kind only.
    #[must_use]
    pub fn on(mut self, filter: RequestFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Lets `count` of them pass first.
    #[must_use]
    pub fn after(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Hits so many in a row.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = count;
        self
    }

    /// Hits all from then on.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}

/// Faults to come and requests that came.
#[derive(Debug, Default)]
pub(super) struct Faults {
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    faults: Vec<S3Fault>,
    log: Vec<LoggedRequest>,
}

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn inject(&self, fault: S3Fault) {
        self.plan().faults.push(fault);
    }

    pub(super) fn clear(&self) {
        self.plan().faults.clear();
    }

    pub(super) fn requests(&self) -> Vec<LoggedRequest> {
        self.plan().log.clone()
    }

    pub(super) fn request_count(&self) -> usize {
        self.plan().log.len()
    }

    /// Notes a request and says how it fails, if it does: the first fault that is due hits.
    pub(super) fn arrive(&self, request: LoggedRequest) -> Option<S3Failure> {
        let mut plan = self.plan();
        let mut hit = None;
        for fault in &mut plan.faults {
            if hit.is_some() || fault.times == 0 || !fault.filter.matches(&request) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.times != usize::MAX {
                fault.times -= 1;
            }
            hit = Some(fault.failure.clone());
        }
        plan.log.push(request);
        hit
    }
}
