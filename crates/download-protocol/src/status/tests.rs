//! The table, line by line.

use super::*;
use crate::request::Request;
use proxy_core::{
    file::{Kind, ModuleFile},
    module::{ModulePath, ModuleVersion, Version},
    spool::SpoolError,
    sums::H1,
};
use std::{io, sync::Arc};

/// Status, `Cache-Control`, `Retry-After` in seconds, how loud, and words the sentence must hold.
type Line = (u16, &'static str, Option<u64>, Alarm, &'static str);

const MINUTE: &str = "public, max-age=60";
const NO_STORE: &str = "no-store";

fn module() -> ModuleVersion {
    let path = ModulePath::parse("example.test/m").unwrap();
    ModuleVersion::new(path, Version::parse("v1.0.0").unwrap()).unwrap()
}

fn file() -> ModuleFile {
    ModuleFile::new(module(), Kind::Zip)
}

fn full() -> Arc<io::Error> {
    Arc::new(io::Error::other("/var/lib/stoa/spool/7: no space left"))
}

#[track_caller]
fn assert_line(error: &MirrorError, line: Line) {
    let failure = Failure::from(error);
    let keep = failure.keep.header();
    let found = (
        failure.status.as_u16(),
        keep.to_str().unwrap(),
        failure.retry_after.map(|pause| pause.as_secs()),
        failure.alarm,
    );
    assert_eq!(found, (line.0, line.1, line.2, line.3), "{error:?}");
    assert!(
        failure.sentence.contains(line.4),
        "{:?} lacks {:?}",
        failure.sentence,
        line.4
    );
    assert!(
        !failure.sentence.contains("/var/lib"),
        "{:?} tells a path of ours",
        failure.sentence
    );
}

#[test]
fn settled_absence_is_404_and_a_takedown_410() {
    let reason = || Arc::from("unknown revision v1.0.0");
    let absent = (404, MINUTE, None, Alarm::None, "unknown revision v1.0.0");
    assert_line(&MirrorError::NotFound { reason: reason() }, absent);
    assert_line(
        &MirrorError::Upstream(UpstreamError::NotFound { reason: reason() }),
        absent,
    );
    let taken = MirrorError::TakenDown("taken down: ask security@example.test".into());
    assert_line(
        &taken,
        (410, MINUTE, None, Alarm::None, "ask security@example.test"),
    );
    let not_kept = MirrorError::NotKept("example.test/m@v1.0.0.zip".into());
    assert_line(&not_kept, (404, NO_STORE, None, Alarm::None, "not kept here"));
}

#[test]
fn refusals_are_403() {
    let denied = MirrorError::Denied("rule quarantine: ask platform@example.test".into());
    assert_line(&denied, (403, NO_STORE, None, Alarm::None, "rule quarantine"));
    let private = MirrorError::Checksums(ChecksumError::Private("corp.test/m".into()));
    assert_line(
        &private,
        (403, NO_STORE, None, Alarm::None, "corp.test/m is private"),
    );
}

#[test]
fn trouble_upstream_is_502_504_or_508() {
    let upstream = |error| MirrorError::Upstream(error);
    let bad = |words| (502, NO_STORE, None, Alarm::Notice, words);
    assert_line(
        &upstream(UpstreamError::unavailable("proxy.test said 503")),
        bad("proxy.test said 503"),
    );
    let busy = |seconds| UpstreamError::Unavailable {
        reason: "proxy.test said 429".into(),
        retry_after: Some(Duration::from_secs(seconds)),
    };
    assert_line(&upstream(busy(7)), (502, NO_STORE, Some(7), Alarm::Notice, "429"));
    assert_line(
        &upstream(busy(1 << 40)),
        (502, NO_STORE, Some(600), Alarm::Notice, "429"),
    );
    let silent = upstream(UpstreamError::timed_out("proxy.test was silent for 30 s"));
    assert_line(&silent, (504, NO_STORE, None, Alarm::Notice, "silent"));
    assert_line(
        &upstream(UpstreamError::malformed("proxy.test sent no JSON")),
        bad("no JSON"),
    );
    let unsupported = UpstreamError::Unsupported {
        reason: "direct needs the go command".into(),
    };
    assert_line(&upstream(unsupported), bad("direct needs the go command"));
    let moved = UpstreamError::Moved {
        module: module(),
        pinned: "1111aaaa".into(),
        found: "2222bbbb".into(),
    };
    assert_line(&upstream(moved.clone()), bad("1111aaaa"));
    assert_line(&upstream(moved), bad("2222bbbb"));
    let looped = UpstreamError::Loop {
        reason: "proxy.test asked us back".into(),
    };
    assert_line(
        &upstream(looped),
        (508, NO_STORE, None, Alarm::Notice, "asked us back"),
    );
    assert_eq!(Failure::came_back("stoa-1").status, StatusCode::LOOP_DETECTED);
}

#[test]
fn bytes_that_fail_their_checks_are_502_and_both_sums_are_named() {
    let (right, wrong) = (H1([1; 32]), H1([2; 32]));
    let mismatch = VerifyError::SumMismatch {
        file: file(),
        expected: right,
        offered: wrong,
        authority: "sum.golang.org".into(),
    };
    let adopted = StoreError::SumDisagrees {
        file: file(),
        kept: right,
        offered: wrong,
    };
    for error in [MirrorError::Verify(mismatch), MirrorError::Store(adopted)] {
        for sum in [right, wrong] {
            assert!(
                Failure::from(&error).sentence.contains(&sum.to_string()),
                "{error}"
            );
        }
        assert_line(
            &error,
            (
                502,
                NO_STORE,
                None,
                Alarm::Call,
                "example.test/m@v1.0.0.zip was refused",
            ),
        );
    }
    let verify = |error| MirrorError::Verify(error);
    let invalid = VerifyError::Invalid {
        file: file(),
        reason: "two entries of one name".into(),
    };
    assert_line(
        &verify(invalid),
        (502, NO_STORE, None, Alarm::Call, "two entries of one name"),
    );
    assert_line(
        &verify(VerifyError::NoGoMod(file())),
        (502, NO_STORE, None, Alarm::Notice, "no go.mod"),
    );
}

#[test]
fn checksum_databases_that_are_down_are_503_and_those_that_do_not_know_502() {
    let name = || "sum.golang.org".to_owned();
    let down = ChecksumError::Unavailable {
        name: name(),
        reason: "no answer".into(),
    };
    let unknown = ChecksumError::Unknown {
        name: name(),
        module: module(),
    };
    let false_ = ChecksumError::Untrustworthy {
        name: name(),
        reason: "two heads of one size".into(),
    };
    for wrap in [MirrorError::Checksums, |error| {
        MirrorError::Verify(VerifyError::Checksums(error))
    }] {
        assert_line(
            &wrap(down.clone()),
            (503, NO_STORE, Some(10), Alarm::Notice, "no answer"),
        );
        assert_line(
            &wrap(unknown.clone()),
            (502, NO_STORE, None, Alarm::Notice, "does not know"),
        );
        assert_line(
            &wrap(false_.clone()),
            (502, NO_STORE, None, Alarm::Call, "contradicting itself"),
        );
    }
}

#[test]
fn our_own_trouble_is_503_while_it_passes_and_500_if_not() {
    let away = |words| (503, NO_STORE, Some(10), Alarm::Notice, words);
    let down = StoreError::Unavailable {
        reason: "no answer".into(),
        source: Some(full()),
    };
    let damaged = StoreError::Corrupt {
        file: file(),
        reason: "its sum is another".into(),
    };
    for wrap in [MirrorError::Store, |error| {
        MirrorError::Verify(VerifyError::Store(error))
    }] {
        assert_line(&wrap(down.clone()), away("unavailable: no answer"));
        assert_line(&wrap(StoreError::Full(Some(full()))), away("the store is full"));
        assert_line(
            &wrap(damaged.clone()),
            (500, NO_STORE, None, Alarm::Call, "damaged in the store"),
        );
    }
    assert_line(&MirrorError::Spool(SpoolError::Full(full())), away("full"));
    assert_line(
        &MirrorError::Spool(SpoolError::Io(full())),
        away("the spool folder"),
    );
    assert_line(
        &MirrorError::Upstream(UpstreamError::Spool(SpoolError::Full(full()))),
        away("full"),
    );
    assert_line(
        &MirrorError::Verify(VerifyError::Spool(full())),
        away("could not be read"),
    );
    assert_line(&MirrorError::Contended(module()), away("kept by somebody else"));
    assert_line(&MirrorError::Overloaded, away("too many fetches"));
    assert_line(
        &MirrorError::Internal,
        (500, NO_STORE, None, Alarm::Call, "internal"),
    );
}

#[test]
fn what_is_no_request_is_404_for_a_day_and_never_5xx() {
    for path in [
        "/index.html",
        "/a.test/noMod/@v/list",
        "/a.test/m/@v/%zz.info",
        "/a.test/m/@v/main.zip",
    ] {
        let failure = Failure::from(&Request::parse(path).unwrap_err());
        assert_eq!(
            (failure.status.as_u16(), failure.keep),
            (404, Keep::Day),
            "{path}"
        );
    }
    assert_eq!(Failure::method("POST").status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(Failure::past_the_end(9).status, StatusCode::RANGE_NOT_SATISFIABLE);
}

#[test]
fn sentences_are_what_the_go_command_will_show() {
    let of = |reason: &str| {
        Failure::from(&MirrorError::NotFound {
            reason: reason.into(),
        })
        .sentence
    };
    assert_eq!(
        of("two\nlines\tand \u{1b}[31mcolour\u{0} caf\u{e9}\n"),
        "two lines and ?[31mcolour? caf?"
    );
    let long = of(&"\u{e9}".repeat(5000));
    assert_eq!((long.len(), long.ends_with("...")), (600, true));
    assert_eq!(of(&"x".repeat(600)).len(), 600);
}

#[test]
fn the_log_gets_what_the_client_does_not() {
    let error = MirrorError::Store(StoreError::Full(Some(full())));
    assert_eq!(
        chain(&error),
        "the store is full: /var/lib/stoa/spool/7: no space left"
    );
}
