//! How far it is: a bar on a terminal, plain lines elsewhere.

use super::{Console, table::bytes};
use csdr_core::port::{Event, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Between two changes of a bar's text.
const TEXT_EVERY: Duration = Duration::from_millis(100);

const WITH_LENGTH: &str =
    "{msg:<8} [{bar:30}] {human_pos}/{human_len} objects  {prefix}  {per_sec:0}  ETA {eta}";
const WITHOUT_LENGTH: &str = "{msg:<8} {spinner} {elapsed}  {prefix}";

/// Shows what an operation does while it runs.
pub(super) struct Progress {
    console: Console,
    bar: Option<ProgressBar>,
    stage: Mutex<Stage>,
}

/// The stage that runs.
struct Stage {
    name: &'static str,
    expected: Option<u64>,
    objects: u64,
    bytes: u64,
    stored: u64,
    began: Instant,
    said: Instant,
}

impl Stage {
    fn new(name: &'static str, expected: Option<u64>) -> Self {
        let now = Instant::now();
        Self {
            name,
            expected,
            objects: 0,
            bytes: 0,
            stored: 0,
            began: now,
            said: now,
        }
    }

    /// Whether it is time for the next word.
    fn is_due(&mut self, every: Duration) -> bool {
        let due = self.said.elapsed() >= every;
        if due {
            self.said = Instant::now();
        }
        due
    }

    /// `objects: 1200 of 20000 objects, 3.1 MiB, 120 objects/s, ETA 157s`
    fn line(&self) -> String {
        let rate = self.rate();
        let (of, eta) = match self.expected {
            Some(expected) if expected > self.objects && rate > 0.0 => (
                format!(" of {expected}"),
                format!(", ETA {:.0}s", (expected - self.objects) as f64 / rate),
            ),
            _ => (String::new(), String::new()),
        };
        let (objects, amount) = (self.objects, self.amount());
        format!(
            "{}: {objects}{of} objects, {amount}, {rate:.0} objects/s{eta}",
            self.name
        )
    }

    /// `objects: 1200 objects, 3.1 MiB, 120 objects/s, done`
    fn last_line(&self) -> String {
        let (objects, amount, rate) = (self.objects, self.amount(), self.rate());
        format!(
            "{}: {objects} objects, {amount}, {rate:.0} objects/s, done",
            self.name
        )
    }

    fn rate(&self) -> f64 {
        self.objects as f64 / self.began.elapsed().as_secs_f64().max(0.001)
    }

    fn amount(&self) -> String {
        if self.stored > 0 {
            format!("{}, {} stored", bytes(self.bytes), bytes(self.stored))
        } else {
            bytes(self.bytes)
        }
    }
}

impl Progress {
    pub(super) fn new(console: &Console) -> Self {
        let terminal = console.is_terminal();
        Self::with_target(console, terminal.then(ProgressDrawTarget::stderr))
    }

    /// A bar that is drawn there; without, plain lines.
    fn with_target(console: &Console, target: Option<ProgressDrawTarget>) -> Self {
        Self {
            console: console.clone(),
            bar: target.map(|target| ProgressBar::with_draw_target(None, target)),
            stage: Mutex::new(Stage::new("start", None)),
        }
    }

    /// Clears the bar, so that a result or an error stands alone.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn begin(&self, name: &'static str, expected: Option<u64>) {
        *self.stage() = Stage::new(name, expected);
        match &self.bar {
            Some(bar) => {
                // Each of these may draw. The name comes last, so that no line shows numbers of the stage before under it.
                bar.set_prefix("");
                let template = if expected.is_some() {
                    WITH_LENGTH
                } else {
                    WITHOUT_LENGTH
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style.progress_chars("=> "));
                }
                match expected {
                    Some(expected) => bar.set_length(expected),
                    None => bar.unset_length(),
                }
                bar.reset();
                bar.set_message(name);
                bar.enable_steady_tick(Duration::from_millis(200));
            }
            None => match expected {
                Some(expected) => self.console.line(&format!("{name}: {expected} objects")),
                None => self.console.line(name),
            },
        }
    }

    fn finish(&self) {
        let stage = self.stage();
        if self.bar.is_none() && stage.objects > 0 {
            self.console.line(&stage.last_line());
        }
    }

    fn advance(&self, objects: u64, bytes: u64, stored: u64) {
        let mut stage = self.stage();
        stage.objects += objects;
        stage.bytes += bytes;
        stage.stored += stored;
        match &self.bar {
            Some(bar) => {
                bar.inc(objects);
                if stage.is_due(TEXT_EVERY) {
                    bar.set_prefix(stage.amount());
                    // A plan counts what was there when it was made; more may have come.
                    if stage
                        .expected
                        .is_some_and(|expected| expected < stage.objects)
                    {
                        bar.set_length(stage.objects);
                    }
                }
            }
            None if stage.is_due(LINE_EVERY) => self.console.line(&stage.line()),
            None => {}
        }
    }

    fn note(&self, message: &str) {
        if self.console.is_verbose() {
            match &self.bar {
                Some(bar) => bar.suspend(|| self.console.line(message)),
                None => self.console.line(message),
            }
        }
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Stage> {
        // Numbers for a person: whatever a panicking thread left is good enough.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::StageStarted { stage, objects } => self.begin(stage, *objects),
            Event::StageEnded { .. } => self.finish(),
            Event::ObjectDone { bytes, .. } => self.advance(1, *bytes, 0),
            Event::ObjectsDone { objects, bytes, .. } => self.advance(*objects, *bytes, 0),
            Event::BytesStored { bytes } => self.advance(0, 0, *bytes),
            // What is noted stands in the report as well.
            Event::Noted { message } => self.note(message),
            _ => {}
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("bar", &self.bar.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Hooks;
    use indicatif::TermLike;
    use std::{io, sync::Arc, thread};

    /// A terminal of one line, and everything that was ever drawn on it.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<Vec<String>>>);

    impl Screen {
        fn draw(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push(text.trim().to_owned());
            Ok(())
        }

        /// Waits until something is drawn that shows all of `parts`.
        fn shows(&self, parts: &[&str], mut meanwhile: impl FnMut()) {
            let deadline = Instant::now() + Duration::from_secs(20);
            let found = |drawn: &String| parts.iter().all(|part| drawn.contains(part));
            while !self.0.lock().unwrap().iter().any(found) {
                let drawn = self.0.lock().unwrap();
                let last: Vec<_> = drawn.iter().rev().take(5).collect();
                assert!(Instant::now() < deadline, "{parts:?} is not in {last:#?}");
                drop(drawn);
                meanwhile();
                thread::sleep(Duration::from_millis(5));
            }
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            160
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.draw(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.draw(text)
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn on_a_terminal_a_bar_shows_objects_bytes_rate_and_the_time_that_is_left() {
        let screen = Screen::default();
        let errors = Arc::new(Mutex::new(Vec::new()));
        let console = Console::new(&Hooks::default().with_stderr(errors.clone()));
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 200);
        let progress = Progress::with_target(&console, Some(target));
        progress.observe(&Event::StageStarted {
            stage: "objects",
            objects: Some(1_000_000),
        });
        screen.shows(&["objects", "0/1,000,000 objects", "ETA"], || {});
        let resource = "configmaps".parse().unwrap();
        let more = || {
            progress.observe(&Event::ObjectsDone {
                resource: &resource,
                objects: 1000,
                bytes: 3 << 20,
            });
            progress.observe(&Event::BytesStored { bytes: 1 << 20 });
        };
        screen.shows(
            &[
                "000/1,000,000 objects",
                "MiB, ",
                "MiB stored",
                "/s",
                "[=",
                "ETA ",
            ],
            more,
        );
        // Once a rate is known, there is a time, and it is not "0s".
        let drawn = screen.0.lock().unwrap().clone();
        let timed = |line: &&String| line.contains("MiB stored");
        let last = drawn.iter().rfind(timed).unwrap();
        assert!(
            !last.contains("ETA 0s") && !last.contains("  0/s"),
            "{last}"
        );

        // The next stage knows no number; nothing of the one before stands in its line.
        progress.observe(&Event::StageStarted {
            stage: "seal",
            objects: None,
        });
        screen.shows(&["seal"], || {});
        let drawn = screen.0.lock().unwrap().clone();
        let wrong = |line: &&String| {
            line.contains("seal") && (line.contains("objects") || line.contains("MiB"))
        };
        assert_eq!(drawn.iter().find(wrong), None);
        progress.end();
        assert!(
            errors.lock().unwrap().is_empty(),
            "no plain lines beside the bar"
        );
    }

    #[test]
    fn elsewhere_a_line_says_the_same() {
        let mut stage = Stage::new("objects", Some(4000));
        stage.began = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        (stage.objects, stage.bytes, stage.stored) = (1000, 3 << 20, 1 << 20);
        let line = stage.line();
        assert_eq!(
            line,
            "objects: 1000 of 4000 objects, 3.00 MiB, 1.00 MiB stored, 100 objects/s, ETA 30s"
        );
    }
}
