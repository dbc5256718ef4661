//! Tests that cannot run here say so; on CI they fail instead.

/// Ends the test: prints `skipped: …`, or panics where the environment has `CI`, since there everything must run.
#[macro_export]
macro_rules! skip_or_fail {
    ($($reason:tt)+) => {{
        $crate::skip::skipped(&format!($($reason)+));
        return;
    }};
}

/// Says why a test does not run; panics on CI.
#[expect(
    clippy::disallowed_methods,
    reason = "CI is no setting of the program, and tests have no configuration"
)]
#[expect(clippy::print_stdout, reason = "a skipped test is told to whoever runs it")]
pub fn skipped(reason: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "must not be skipped on CI: {reason}"
    );
    println!("skipped: {reason}");
}
