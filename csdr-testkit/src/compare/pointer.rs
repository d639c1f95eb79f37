//! JSON pointers (RFC 6901).

use std::ops::Deref;

/// A pointer's segments, unescaped.
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    pub(super) fn parse(text: &str) -> Self {
        let segments = text.split('/').skip(1);
        Self(
            segments
                .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
                .collect(),
        )
    }

    /// Whether it is what `pattern` names, or lies below it. In a pattern `*` stands for any one segment.
    pub(super) fn is_below(&self, pattern: &str) -> bool {
        let pattern = Self::parse(pattern);
        pattern.len() <= self.len()
            && pattern
                .iter()
                .zip(self.iter())
                .all(|(want, have)| want == "*" || want == have)
    }
}

impl Deref for Pointer {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

/// Works with the pointer of one member.
pub(super) fn within(pointer: &mut String, segment: &str, work: impl FnOnce(&mut String)) {
    let len = pointer.len();
    pointer.push('/');
    pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
    work(pointer);
    pointer.truncate(len);
}
