//! Room for bytes that are being made: what comes out is copied in its size, and the room serves the next.

use std::cell::Cell;

thread_local! {
    static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes of room that are kept.
const KEPT: usize = 64 << 10;

/// Does a piece of work that needs room; it gets an empty vector.
pub(super) fn with<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    // Within such a piece of work, and while a thread ends, there is new room.
    let mut bytes = BYTES.try_with(Cell::take).unwrap_or_default();
    let answer = work(&mut bytes);
    if bytes.capacity() <= KEPT {
        bytes.clear();
        let _ = BYTES.try_with(|kept| kept.set(bytes));
    }
    answer
}
