//! `cargo run -p fuzz -- <target> [--seconds N] [--seed S]`, or `-- <target> <file>` to try one input again.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints")]

use fuzz::{
    TARGETS, Target,
    driver::{self, Finding},
};
use std::{
    process::ExitCode,
    time::{Duration, SystemTime},
};

/// What is to be done.
enum Order {
    Once { target: Target, file: String },
    Fuzz { target: Target, seconds: u64, seed: u64 },
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(order) = understand(&arguments) else {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!(
            "usage: fuzz <target> [--seconds N] [--seed S]\n       fuzz <target> <file>\ntargets: {}",
            names.join(", ")
        );
        return ExitCode::from(64);
    };
    match carry_out(&order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

fn understand(arguments: &[&str]) -> Option<Order> {
    let (name, mut rest) = arguments.split_first()?;
    let target = fuzz::target(name)?;
    if let [file] = rest {
        return Some(Order::Once {
            target,
            file: (*file).to_owned(),
        });
    }
    let clock = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let (mut seconds, mut seed) = (10, clock.as_secs());
    while let [option, value, others @ ..] = rest {
        match *option {
            "--seconds" => seconds = value.parse().ok()?,
            "--seed" => seed = value.parse().ok()?,
            _ => return None,
        }
        rest = others;
    }
    rest.is_empty().then_some(Order::Fuzz {
        target,
        seconds,
        seed,
    })
}

fn carry_out(order: &Order) -> Result<(), String> {
    match order {
        Order::Once { target, file } => {
            let input = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
            let verdict = driver::run(target, &input).map_err(|finding| finding.what.to_owned())?;
            println!("{}: {verdict:?}", target.name);
        }
        Order::Fuzz {
            target,
            seconds,
            seed,
        } => {
            println!("{}: {seconds} s from seed {seed}", target.name);
            let seeds =
                driver::seeds(target).map_err(|error| format!("the seeds of {}: {error}", target.name))?;
            let mut inputs = Vec::new();
            for (file, input) in seeds {
                driver::run(target, &input)
                    .map_err(|finding| format!("{}: {}", file.display(), finding.what))?;
                inputs.push(input);
            }
            let report = driver::fuzz(target, inputs, *seed, Duration::from_secs(*seconds))
                .map_err(|finding| report(target, &finding))?;
            println!(
                "{}: {} inputs, {} let in",
                target.name, report.inputs, report.accepted
            );
        }
    }
    Ok(())
}

/// Keeps a finding and says how to see it again.
fn report(target: &Target, finding: &Finding) -> String {
    let name = target.name;
    match driver::keep(target, finding, &driver::crashes()) {
        Ok(file) => format!(
            "{name}: {}; to see it again: cargo run -p fuzz -- {name} {}",
            finding.what,
            file.display()
        ),
        Err(error) => format!("{name}: {finding}, and the input could not be kept: {error}"),
    }
}
