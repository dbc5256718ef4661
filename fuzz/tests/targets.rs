//! Every seed once, and then inputs made up for as long as `STOA_FUZZ_SECONDS` says.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is a test, helpers too"
)]

use fuzz::{TARGETS, Verdict, driver};
use std::time::Duration;

/// One test for each target, so that a failure has its name.
macro_rules! targets {
    ($($name:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

targets! { escape path version query pattern info go_mod request zip tree note lookup tile }

#[test]
fn every_target_is_tested_here() {
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, TESTED);
}

fn check(name: &str) {
    let target = fuzz::target(name).unwrap();
    let mut inputs = Vec::new();
    let mut accepted = 0;
    for (file, input) in driver::seeds(&target).unwrap() {
        match driver::run(&target, &input) {
            Ok(verdict) => accepted += usize::from(verdict == Verdict::Accepted),
            Err(finding) => panic!("{}: {finding}", file.display()),
        }
        inputs.push(input);
    }
    assert!(
        accepted > 0 && accepted < inputs.len(),
        "the seeds of {name} show one side only"
    );
    let Some(seconds) = setting("STOA_FUZZ_SECONDS") else {
        return;
    };
    let seed = setting("STOA_FUZZ_SEED").unwrap_or(1);
    match driver::fuzz(&target, inputs, seed, Duration::from_secs(seconds)) {
        Ok(report) => println!(
            "{name}: {} inputs from seed {seed}, {} let in",
            report.inputs, report.accepted
        ),
        Err(finding) => {
            let file = driver::keep(&target, &finding, &driver::crashes()).unwrap();
            panic!(
                "{finding}; to see it again: cargo run -p fuzz -- {name} {}",
                file.display()
            );
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test runs is no setting of the program"
)]
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}")),
    )
}
