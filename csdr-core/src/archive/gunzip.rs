//! Gzip, a bounded step at a time.

use crate::{Error, Result};
use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Raw bytes that any gzip stream may give before its ratio counts.
const RATIO_FREE: u64 = 1 << 20;
/// Raw bytes that one step gives at most.
pub(super) const ROOM: usize = 64 << 10;
/// A gzip header with name and comment stays far below this.
const HEADER_LIMIT: usize = 4096;

/// A decoder of one gzip member after the other, fed with any chunks.
///
/// Unlike flate2's readers it is pushed, says where a member ends, and never gives more than it is asked for.
pub(super) struct Gunzip {
    state: State,
    inflate: Decompress,
    crc: Crc,
    ratio: u64,
    /// Compressed bytes taken.
    consumed: u64,
    /// Raw bytes given.
    produced: u64,
    /// Raw bytes of the present member.
    member_raw: u64,
    /// Where deflate writes to: ROOM bytes, cleared once and not for each step of a stream that comes byte by byte.
    window: Box<[u8]>,
}

enum State {
    /// Between two members, or before the first.
    Start,
    Header(Vec<u8>),
    Body,
    Trailer(Vec<u8>),
}

/// Why a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All input is taken.
    NeedInput,
    /// As much was given as was asked for.
    OutputFull,
    /// The member is whole, and its checksum right.
    MemberEnd,
}

impl Gunzip {
    pub(super) fn new(ratio: u64) -> Self {
        Self {
            state: State::Start,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            ratio,
            consumed: 0,
            produced: 0,
            member_raw: 0,
            window: vec![0; ROOM].into(),
        }
    }

    /// Compressed bytes taken so far: after `MemberEnd` the offset of the next member.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Whether the input may end here.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.state, State::Start)
    }

    /// Takes from `input` (which is cut by what was taken) and appends at most [`ROOM`] bytes to `out`.
    pub(super) fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Step> {
        let end = out.len() + ROOM;
        loop {
            if input.is_empty() && !matches!(self.state, State::Body) {
                return Ok(Step::NeedInput);
            }
            match &mut self.state {
                State::Start => self.state = State::Header(Vec::with_capacity(16)),
                State::Header(head) => {
                    head.push(take_byte(input, &mut self.consumed));
                    if header_is_whole(head, self.consumed)? {
                        self.inflate.reset(false);
                        self.crc.reset();
                        self.member_raw = 0;
                        self.state = State::Body;
                    }
                }
                State::Body => {
                    if let Some(step) = self.inflate(input, out, end)? {
                        return Ok(step);
                    }
                    self.state = State::Trailer(Vec::with_capacity(8));
                }
                State::Trailer(tail) => {
                    tail.push(take_byte(input, &mut self.consumed));
                    if tail.len() == 8 {
                        let sums = (&tail[..4], &tail[4..]);
                        let own = (
                            self.crc.sum().to_le_bytes(),
                            (self.member_raw as u32).to_le_bytes(),
                        );
                        if sums != (&own.0, &own.1) {
                            return Err(self.bad("gzip member's checksum or size is wrong"));
                        }
                        self.state = State::Start;
                        return Ok(Step::MemberEnd);
                    }
                }
            }
        }
    }

    /// Inflates until input or room ends (`Some`), or the deflate stream (`None`).
    fn inflate(
        &mut self,
        input: &mut &[u8],
        out: &mut Vec<u8>,
        end: usize,
    ) -> Result<Option<Step>> {
        loop {
            let room = end - out.len();
            if room == 0 {
                return Ok(Some(Step::OutputFull));
            }
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let window = &mut self.window[..room];
            let status = self
                .inflate
                .decompress(input, window, FlushDecompress::None);
            let taken = (self.inflate.total_in() - before_in) as usize;
            let given = (self.inflate.total_out() - before_out) as usize;
            let fresh = &self.window[..given];
            self.crc.update(fresh);
            out.extend_from_slice(fresh);
            *input = &input[taken..];
            self.consumed += taken as u64;
            self.produced += given as u64;
            self.member_raw += given as u64;
            if self.produced
                > self
                    .consumed
                    .saturating_mul(self.ratio)
                    .saturating_add(RATIO_FREE)
            {
                return Err(self.bad("gzip stream inflates more than allowed"));
            }
            match status {
                Ok(Status::StreamEnd) => return Ok(None),
                Ok(_) if input.is_empty() && out.len() < end => return Ok(Some(Step::NeedInput)),
                Ok(_) if taken == 0 && given == 0 => {
                    return Err(self.bad("gzip stream is damaged"));
                }
                Ok(_) => {}
                Err(_) => return Err(self.bad("gzip stream is damaged")),
            }
        }
    }

    fn bad(&self, what: &str) -> Error {
        Error::corrupt(what).with_context("compressed_offset", self.consumed)
    }
}

fn take_byte(input: &mut &[u8], consumed: &mut u64) -> u8 {
    // Invariant: called with input only.
    let byte = input[0];
    *input = &input[1..];
    *consumed += 1;
    byte
}

/// Whether `head` is a whole gzip header (RFC 1952); an error as soon as it cannot become one.
fn header_is_whole(head: &[u8], at: u64) -> Result<bool> {
    let bad = |what: &str| Err(Error::corrupt(what).with_context("compressed_offset", at));
    let expected: &[(usize, u8)] = &[(0, 0x1f), (1, 0x8b), (2, 8)];
    if expected
        .iter()
        .any(|(at, byte)| head.get(*at).is_some_and(|got| got != byte))
    {
        return bad("not a gzip member: wrong first bytes");
    }
    if head.len() > HEADER_LIMIT {
        return bad("gzip header is longer than allowed");
    }
    let Some(flags) = head.get(3).copied() else {
        return Ok(false);
    };
    if flags & 0xe0 != 0 {
        return bad("gzip header has reserved flags");
    }
    let mut end = 10;
    if flags & 4 != 0 {
        let Some(length) = head.get(10..12) else {
            return Ok(false);
        };
        end = 12 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let text = head.get(end..).unwrap_or_default();
            let Some(zero) = text.iter().position(|byte| *byte == 0) else {
                return Ok(false);
            };
            end += zero + 1;
        }
    }
    if flags & 2 != 0 {
        end += 2;
        if head.len() == end {
            let mut crc = Crc::new();
            crc.update(&head[..end - 2]);
            if (crc.sum() as u16).to_le_bytes() != head[end - 2..] {
                return bad("gzip header's checksum is wrong");
            }
        }
    }
    Ok(head.len() >= end)
}

/// Decodes bytes that are exactly one gzip member of at most `limit` raw bytes.
pub(crate) fn whole(bytes: &[u8], limit: u64, ratio: u64) -> Result<Vec<u8>> {
    let (mut gunzip, mut input, mut out) = (Gunzip::new(ratio), bytes, Vec::new());
    loop {
        // Memory follows what the bytes really give, not what they claim.
        match gunzip.step(&mut input, &mut out)? {
            Step::NeedInput => {
                return Err(Error::corrupt("gzip member is cut").with_context("bytes", bytes.len()));
            }
            Step::MemberEnd if !input.is_empty() => {
                return Err(Error::corrupt("bytes follow the gzip member")
                    .with_context("compressed_offset", gunzip.consumed()));
            }
            step => {
                if out.len() as u64 > limit {
                    return Err(Error::corrupt("gzip member is larger than allowed")
                        .with_context("limit", limit));
                }
                if step == Step::MemberEnd {
                    return Ok(out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
