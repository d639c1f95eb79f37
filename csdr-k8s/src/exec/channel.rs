//! The frames of an exec's websocket.
//!
//! Source: `k8s.io/apimachinery/pkg/util/remotecommand`: the first byte of each binary frame is its channel; 1 is standard output, 2
//! standard error, 3 the `Status` at the end, 255 (v5) closes one.

use csdr_core::{
    Error, ErrorKind, Result,
    port::{ExecOutput, ExecStatus},
};
use futures::{Sink, SinkExt, Stream, StreamExt};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// Most bytes of a `Status`.
const STATUS_BYTES: usize = 64 << 10;
/// A command may be silent for long: pings keep connections open that are dropped when nothing moves.
const PING: Duration = Duration::from_secs(20);
/// After the status the server closes. How long that may take before the answer counts all the same.
const CLOSING: Duration = Duration::from_secs(2);

/// What came over the websocket.
#[derive(Debug)]
pub(super) struct Ended {
    /// The JSON of the `Status`.
    pub(super) status: Vec<u8>,
    /// The streams; their status says nothing yet.
    pub(super) output: ExecOutput,
}

/// Reads until the server closes, and keeps `limit` bytes of each stream.
///
/// # Errors
/// `Unavailable` if it ends without a status: then it is not certain how the command ended.
pub(super) async fn read_to_end<S>(mut stream: S, limit: usize) -> Result<Ended>
where
    S: Stream<Item = Result<Message, tungstenite::Error>>
        + Sink<Message, Error = tungstenite::Error>
        + Unpin,
{
    let mut ended = Ended {
        status: Vec::new(),
        output: ExecOutput {
            status: ExecStatus::Success,
            stdout: Vec::new(),
            stderr: Vec::new(),
            truncated: false,
        },
    };
    loop {
        let told = !ended.status.is_empty();
        let wait = if told { CLOSING } else { PING };
        let message = match timeout(wait, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            // What follows a status can only be its close.
            Ok(_) | Err(_) if told => return Ok(ended),
            Ok(None) => return Err(broken()),
            Ok(Some(Err(error))) => return Err(broken().with_source(error)),
            Err(_) => {
                stream
                    .send(Message::Ping(Vec::new().into()))
                    .await
                    .map_err(|error| broken().with_source(error))?;
                continue;
            }
        };
        match message {
            Message::Binary(frame) => ended.take(&frame, limit)?,
            Message::Close(_) if told => return Ok(ended),
            Message::Close(_) => return Err(broken()),
            _ => {}
        }
    }
}

fn broken() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the connection ended before the server said how the command ended",
    )
}

impl Ended {
    fn take(&mut self, frame: &[u8], limit: usize) -> Result<()> {
        let Some((channel, bytes)) = frame.split_first() else {
            return Ok(());
        };
        let (stream, limit) = match *channel {
            STDOUT => (&mut self.output.stdout, limit),
            STDERR => (&mut self.output.stderr, limit),
            STATUS => (&mut self.status, STATUS_BYTES),
            _ => return Ok(()),
        };
        let room = limit.saturating_sub(stream.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        stream.extend_from_slice(kept);
        if kept.len() < bytes.len() {
            if *channel == STATUS {
                return Err(Error::corrupt(
                    "the server's status of the command is larger than allowed",
                ));
            }
            self.output.truncated = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    /// A server's frames; what is sent to it is thrown away.
    struct Script<S>(S);

    impl<S: Stream + Unpin> Stream for Script<S> {
        type Item = S::Item;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
            self.0.poll_next_unpin(cx)
        }
    }

    impl<S: Unpin> Sink<Message> for Script<S> {
        type Error = tungstenite::Error;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn start_send(self: Pin<&mut Self>, _: Message) -> Result<(), Self::Error> {
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }
    }

    fn frame(channel: u8, text: &str) -> Result<Message, tungstenite::Error> {
        let mut bytes = vec![channel];
        bytes.extend_from_slice(text.as_bytes());
        Ok(Message::Binary(bytes.into()))
    }

    async fn read(frames: Vec<Result<Message, tungstenite::Error>>) -> Result<String> {
        let ended = read_to_end(Script(stream::iter(frames)), 4).await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(format!(
            "{} {} {} {}",
            text(&ended.status),
            text(&ended.output.stdout),
            text(&ended.output.stderr),
            ended.output.truncated
        ))
    }

    #[tokio::test]
    async fn frames_are_sorted_by_channel_and_bounded() {
        let frames = vec![
            frame(1, "ab"),
            frame(2, "x"),
            Ok(Message::Pong(Vec::new().into())),
            frame(1, "cdef"),
            frame(9, "?"),
            Ok(Message::Binary(Vec::new().into())),
            frame(255, "\u{1}"),
            frame(3, "{"),
            frame(3, "}"),
            Ok(Message::Close(None)),
        ];
        assert_eq!(read(frames).await.unwrap(), "{} abcd x true");
    }

    #[tokio::test]
    async fn an_end_without_a_status_is_not_an_end() {
        for frames in [
            vec![frame(1, "ab")],
            vec![Ok(Message::Close(None))],
            vec![Err(tungstenite::Error::ConnectionClosed)],
        ] {
            let error = read(frames).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
        // After it nothing else is needed.
        for end in [None, Some(Err(tungstenite::Error::ConnectionClosed))] {
            let mut frames = vec![frame(3, "{}")];
            frames.extend(end);
            assert_eq!(read(frames).await.unwrap(), "{}   false");
        }
    }
}
