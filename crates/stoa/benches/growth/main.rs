//! How answers grow with the store: `cargo xtask bench growth`.
//!
//! A store of 1,000, 10,000 and 100,000 versions is put behind a mirror without upstreams, and asked for what depends on
//! how much is kept: lists, `@latest`, pages of the catalog and of the index, and the start itself. What is printed
//! beside each time is how often longer it took than with a tenth of the versions: 1 is what does not grow.
#![expect(clippy::print_stdout, reason = "a benchmark is a report")]

mod asked;
mod places;
mod tree;

use asked::Times;
use places::Place;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS; // cargo asks every benchmark so whether it builds
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let sizes: &[usize] = if quick {
        &[1000, 10_000]
    } else {
        &[1000, 10_000, 100_000]
    };
    println!(
        "Each time is the median of {} cold questions; × is the ratio to a tenth of the versions.",
        asked::ROUNDS
    );
    for place in places::all(&arguments) {
        let place: &dyn Place = &*place;
        let sizes: Vec<usize> = sizes
            .iter()
            .copied()
            .filter(|size| *size <= place.most())
            .collect();
        println!(
            "\n{:<28}{}",
            place.name(),
            sizes
                .iter()
                .map(|size| format!("{size:>14} versions"))
                .collect::<String>()
        );
        let columns: Result<Vec<Times>, String> = sizes.iter().map(|size| place.measure(*size)).collect();
        let columns = match columns {
            Ok(columns) => columns,
            Err(reason) => {
                println!("  skipped: {reason}");
                continue;
            }
        };
        for row in Times::ROWS {
            let mut line = format!("  {:<26}", row.name);
            for (position, times) in columns.iter().enumerate() {
                let now = (row.time)(times);
                let before = position.checked_sub(1).map(|before| (row.time)(&columns[before]));
                let ratio = before.map_or_else(String::new, |before| format!("×{:.1}", now / before));
                line.push_str(&format!("{now:>12.2} ms {ratio:>7} "));
            }
            println!("{}", line.trim_end());
        }
    }
    ExitCode::SUCCESS
}
