//! Running a target: on one input, on its seeds, on inputs made up for a while.

use crate::{
    Target, Verdict,
    mutation::{Random, mutate},
};
use std::{
    fmt, fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// An input that takes longer than this is a finding too: whoever sends it holds a server up.
const TOO_LONG: Duration = Duration::from_secs(20);

/// How many inputs that were let in are kept to start from.
const POOL: usize = 500;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many inputs were tried.
    pub inputs: u64,
    /// How many of them were let in.
    pub accepted: u64,
}

/// An input on which a target panicked, or took far too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The input.
    pub input: Vec<u8>,
    /// What happened, as far as the panic's own message has not said it.
    pub what: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on \"{}\"", self.what, self.input.escape_ascii())
    }
}

/// Runs a target on one input.
pub fn run(target: &Target, input: &[u8]) -> Result<Verdict, Finding> {
    let started = Instant::now();
    let found = |what| Finding {
        input: input.to_vec(),
        what,
    };
    let verdict = catch_unwind(AssertUnwindSafe(|| (target.run)(input))).map_err(|_| found("it panicked"))?;
    if started.elapsed() > TOO_LONG {
        Err(found("it took far too long"))
    } else {
        Ok(verdict)
    }
}

/// The seeds of a target, in the order of their names.
pub fn seeds(target: &Target) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files: Vec<_> = fs::read_dir(target.corpus())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    files
        .into_iter()
        .map(|file| Ok((file.clone(), fs::read(file)?)))
        .collect()
}

/// Makes inputs up for so long and runs the target on each; one `seed` makes one sequence of inputs.
pub fn fuzz(target: &Target, seeds: Vec<Vec<u8>>, seed: u64, how_long: Duration) -> Result<Report, Finding> {
    let end = Instant::now() + how_long;
    let mut random = Random::new(seed);
    let mut report = Report::default();
    let kept = seeds.len();
    let mut pool = seeds;
    if pool.is_empty() {
        pool.push(Vec::new());
    }
    while Instant::now() < end {
        let mut input = pool[random.below(pool.len())].clone();
        let other = &pool[random.below(pool.len())];
        mutate(&mut input, other, target.words, target.longest, &mut random);
        report.inputs += 1;
        if run(target, &input)? == Verdict::Accepted {
            report.accepted += 1;
            // Later inputs start from those that were let in, but never from nothing else: the seeds stay.
            if pool.len() < kept + POOL {
                pool.push(input);
            } else if let Some(old) = pool.get_mut(kept + random.below(POOL)) {
                *old = input;
            }
        }
    }
    Ok(report)
}

/// Writes the input of a finding into a folder; gives the file.
pub fn keep(target: &Target, finding: &Finding, folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    // The same input twice is the same file; which inputs differ is all the name has to tell.
    let sum = finding
        .input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let file = folder.join(format!("{}-{sum:016x}", target.name));
    fs::write(&file, &finding.input)?;
    Ok(file)
}

/// Where findings are put until they are seeds: `fuzz/crashes`, which git ignores.
pub fn crashes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crashes")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAGILE: Target = Target {
        name: "fragile",
        run: fragile,
        longest: 50,
        words: &["(", ")"],
    };

    fn fragile(data: &[u8]) -> Verdict {
        assert!(!data.starts_with(b"(("), "two parentheses are too many");
        data.starts_with(b"(").into()
    }

    #[test]
    fn a_broken_promise_is_found_and_kept() {
        let finding = fuzz(&FRAGILE, vec![b"x".to_vec()], 1, Duration::from_secs(60)).unwrap_err();
        assert!(finding.input.starts_with(b"(("));
        assert_eq!(finding.what, "it panicked");
        let folder = tempfile::tempdir().unwrap();
        let file = keep(&FRAGILE, &finding, &folder.path().join("crashes")).unwrap();
        assert_eq!(fs::read(&file).unwrap(), finding.input);
        assert_eq!(run(&FRAGILE, &finding.input), Err(finding));
    }

    #[test]
    fn what_is_let_in_is_counted_and_started_from() {
        const NESTED: Target = Target {
            name: "nested",
            run: nested,
            longest: 50,
            words: &["(", ")"],
        };
        fn nested(data: &[u8]) -> Verdict {
            data.starts_with(b"((").into()
        }
        let report = fuzz(&NESTED, Vec::new(), 1, Duration::from_millis(200)).unwrap();
        assert!(
            report.accepted > 0 && report.inputs > report.accepted,
            "{report:?}"
        );
    }
}
