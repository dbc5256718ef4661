//! The way of log lines to standard error: a thread of its own, so that a slow reader delays nobody's answer.
//!
//! Lines wait in a queue. When it is full because nobody reads, lines are dropped and counted, and the count is
//! written as soon as there is room: serving goes before logging.

use std::{
    io::{self, BufWriter, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel},
    },
    thread,
    time::Duration,
};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait: a burst of a second, in some megabytes.
const QUEUE: usize = 32 * 1024;

/// How long the end of the process waits for the last lines to be read.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Takes lines, whole ones. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct LogWriter {
    lines: SyncSender<Message>,
    state: Arc<State>,
}

/// The lines on their way out.
#[derive(Debug)]
pub(crate) struct Written {
    log: LogWriter,
    ended: Receiver<()>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// Wakes the thread, so that it sees that the end has come.
    End,
}

#[derive(Debug)]
struct State {
    ending: AtomicBool,
    /// Lines for which there was no room.
    lost: AtomicU64,
    /// The line that says so.
    tell_lost: fn(u64) -> String,
}

impl LogWriter {
    /// Starts the thread that writes to `output`. `tell_lost` makes the line that says how many were lost.
    pub(crate) fn start(
        output: impl Write + Send + 'static,
        tell_lost: fn(u64) -> String,
    ) -> io::Result<(Self, Written)> {
        let (lines, queue) = sync_channel(QUEUE);
        let (end, ended) = channel();
        let state = Arc::new(State {
            ending: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            tell_lost,
        });
        let log = Self {
            lines,
            state: Arc::clone(&state),
        };
        thread::Builder::new().name("log".into()).spawn(move || {
            write_all(&queue, output, &state);
            // If nobody waits for the end, nobody needs to know.
            let _ = end.send(());
        })?;
        Ok((log.clone(), Written { log, ended }))
    }

    /// Writes one line, its end included, sooner or later.
    pub(crate) fn line(&self, line: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Message::Line(line)) {
            self.state.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Written {
    /// Waits until every line so far is written, or nobody has read for a while.
    pub(crate) fn finish(self) {
        self.log.state.ending.store(true, Ordering::Release);
        // A full queue wakes the thread, too; and if it does not end in time, its reader stands still.
        let _ = self.log.lines.try_send(Message::End);
        let _ = self.ended.recv_timeout(LAST_LINES);
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = OneLine<'a>;

    fn make_writer(&'a self) -> OneLine<'a> {
        OneLine {
            log: self,
            line: Vec::new(),
        }
    }
}

/// Gathers what is written of one event.
#[derive(Debug)]
pub(crate) struct OneLine<'a> {
    log: &'a LogWriter,
    line: Vec<u8>,
}

impl Write for OneLine<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for OneLine<'_> {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.log.line(std::mem::take(&mut self.line));
        }
    }
}

/// Writes lines until the end; what cannot be written has no other place to go.
fn write_all(queue: &Receiver<Message>, output: impl Write, state: &State) {
    let mut output = BufWriter::with_capacity(64 << 10, output);
    while let Ok(first) = queue.recv() {
        let mut next = Some(first);
        loop {
            // Looked at before the queue is emptied: whatever was sent before the end is in it then. Looked at only
            // afterwards, the end could have come with a few lines before it that nobody takes out.
            let ending = state.ending.load(Ordering::Acquire);
            while let Some(message) = next.take().or_else(|| queue.try_recv().ok()) {
                if let Message::Line(line) = message {
                    let _ = output.write_all(&line);
                }
            }
            let lost = state.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let _ = output.write_all((state.tell_lost)(lost).as_bytes());
            }
            let _ = output.flush();
            if ending {
                return;
            }
            if !state.ending.load(Ordering::Acquire) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Condvar, Mutex};

    /// An output that a test can read, and hold up.
    #[derive(Clone, Default)]
    struct Shared(Arc<(Mutex<Held>, Condvar)>);

    #[derive(Default)]
    struct Held {
        bytes: Vec<u8>,
        up: bool,
    }

    impl Shared {
        fn hold(&self, held: bool) {
            self.0.0.lock().expect("no holder panics").up = held;
            self.0.1.notify_all();
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.0.lock().expect("no holder panics").bytes.clone()).expect("text")
        }
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let written = self.0.0.lock().expect("no holder panics");
            let mut written = self
                .0
                .1
                .wait_while(written, |held| held.up)
                .expect("no holder panics");
            written.bytes.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_out_whole_and_in_order() {
        let output = Shared::default();
        let (log, written) =
            LogWriter::start(output.clone(), |lost| format!("{lost} lost\n")).expect("a thread");
        for number in 0..1000 {
            writeln!(log.make_writer(), "line {number}").expect("written");
        }
        written.finish();
        let expected: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        assert_eq!(output.text(), expected);
    }

    #[test]
    fn a_reader_that_stands_still_costs_lines_and_no_time() {
        let output = Shared::default();
        output.hold(true);
        let (log, written) =
            LogWriter::start(output.clone(), |lost| format!("{lost} lost\n")).expect("a thread");
        let filler = vec![b'x'; 1024];
        for _ in 0..QUEUE + 1000 {
            log.line(filler.clone());
        }
        output.hold(false);
        written.finish();
        assert!(output.text().ends_with(" lost\n"), "the loss is told");
    }
}
