//! Progress: how a long clone is told from a dead host, when the program that clones says nothing.
//!
//! `go` is silent while `git` fetches. What shows that something moves is the clone on disk, which grows as the pack
//! arrives, and, where the kernel tells (Linux), the processor time of the run's processes: working out the deltas of
//! a large pack takes minutes in which no file grows.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Watches the folders and processes of one run.
#[derive(Debug)]
pub(crate) struct Watch {
    folders: Vec<PathBuf>,
    group: i32,
    last: Option<Seen>,
    first_bytes: u64,
}

/// What a look found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Something moved since the last look.
    pub(crate) moved: bool,
    /// Bytes that came since the first look.
    pub(crate) grown: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    bytes: u64,
    files: u64,
    processor: Duration,
}

impl Watch {
    /// Watches what grows in these folders and what this process group does.
    pub(crate) fn new(folders: Vec<PathBuf>, group: i32) -> Self {
        Self {
            folders,
            group,
            last: None,
            first_bytes: 0,
        }
    }

    /// Looks, some time after the last look. Blocks.
    pub(crate) fn look(&mut self, since: Duration) -> Look {
        let mut seen = Seen {
            processor: processor_time(self.group),
            ..Seen::default()
        };
        for folder in &self.folders {
            measure(folder, &mut seen);
        }
        let Some(last) = self.last.replace(seen) else {
            self.first_bytes = seen.bytes;
            return Look {
                moved: true,
                grown: 0,
            };
        };
        let grew = (seen.bytes, seen.files) != (last.bytes, last.files);
        // A process that waits still wakes now and then; one that works takes a good part of the time there is.
        let worked = seen.processor.saturating_sub(last.processor) * 10 > since;
        Look {
            moved: grew || worked,
            grown: seen.bytes.saturating_sub(self.first_bytes),
        }
    }
}

/// So many files are looked at each time: a clone of a repository with very many branches has a file for each.
const MOST_FILES: u64 = 50_000;

/// Adds the files below a folder; what vanishes meanwhile is left out.
fn measure(folder: &Path, seen: &mut Seen) {
    if seen.files >= MOST_FILES {
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(found) = entry.metadata() else { continue };
        if found.is_dir() {
            measure(&entry.path(), seen);
        } else {
            seen.bytes += found.len();
            seen.files += 1;
        }
    }
}

/// The processor time of a process group's members and of the children they have waited for.
#[cfg(target_os = "linux")]
fn processor_time(group: i32) -> Duration {
    // The unit of the times in `/proc/<pid>/stat`, which has been 1/100 s on every architecture Linux exposes.
    const TICK: Duration = Duration::from_millis(10);
    let Ok(processes) = fs::read_dir("/proc") else {
        return Duration::ZERO;
    };
    let ticks: u32 = processes
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .first()
                .is_some_and(u8::is_ascii_digit)
        })
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| ticks_of(&stat, group))
        .sum();
    TICK * ticks
}

/// The times in one line of `/proc/<pid>/stat` (proc(5)), if the process is of this group.
#[cfg(target_os = "linux")]
fn ticks_of(stat: &str, group: i32) -> Option<u32> {
    // The second field is the program's name in parentheses, and may hold anything, so count from behind it.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    if fields.get(2)?.parse() != Ok(group) {
        return None;
    }
    Some(
        fields
            .get(11..15)?
            .iter()
            .filter_map(|ticks| ticks.parse::<u32>().ok())
            .sum(),
    )
}

/// Elsewhere only the growth on disk shows.
#[cfg(not(target_os = "linux"))]
fn processor_time(_group: i32) -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn growth_is_progress_and_stillness_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = Watch::new(vec![folder.path().into()], -1);
        assert!(watch.look(SECOND).moved, "the first look knows no better");
        assert_eq!(
            watch.look(SECOND),
            Look {
                moved: false,
                grown: 0
            }
        );
        fs::create_dir(folder.path().join("objects")).unwrap();
        fs::write(folder.path().join("objects/tmp_pack"), [0; 10]).unwrap();
        assert_eq!(
            watch.look(SECOND),
            Look {
                moved: true,
                grown: 10
            }
        );
        assert_eq!(
            watch.look(SECOND),
            Look {
                moved: false,
                grown: 10
            }
        );
    }

    #[test]
    fn the_times_of_a_process_are_counted_for_its_group_only() {
        let stat = "71 (a) b) S 1 71 70 0 -1 4194560 100 0 0 0 5 6 7 8 20 0 1 0 100 0 0";
        assert_eq!(ticks_of(stat, 71), Some(26));
        assert_eq!(ticks_of(stat, 70), None);
        assert_eq!(ticks_of("nonsense", 70), None);
    }
}
