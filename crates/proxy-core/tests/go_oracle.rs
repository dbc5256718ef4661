//! Our names, versions, sums and go.mod files against the code of the go command itself.
//!
//! Every Go installation ships the source of `golang.org/x/mod`, the library that decides what a module path or a
//! version is. These tests build a small program from it, ask it some tens of thousands of questions and compare its
//! answers with ours. Nothing is downloaded. Where we differ on purpose, the test says so.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is a test, helpers too"
)]

#[path = "go_oracle/oracle.rs"]
mod oracle;
#[expect(dead_code, reason = "the tests of single rules use all of it")]
#[path = "module_zip/raw.rs"]
mod raw;
#[path = "go_oracle/words.rs"]
mod words;
#[path = "go_oracle/zips.rs"]
mod zips;

use base64::{Engine, prelude::BASE64_STANDARD};
use oracle::Questions;
use proxy_core::{
    file::Sha256,
    go_mod::{self, GoMod},
    info::{Info, Origin},
    module::{
        ModulePath, Named, Patterns, PseudoVersion, Query, Version,
        path::{check_file_path, check_import_path},
        pseudo, semver,
    },
    sums::H1,
};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use words::Words;

const ROUNDS: usize = 4_000;

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

#[test]
fn paths() {
    let mut words = Words::new(1);
    let mut questions = Questions::default();
    for _ in 0..ROUNDS {
        let path = words.path();
        let ours = ModulePath::parse(&path).map(|path| {
            let (prefix, major) = path.split_major();
            format!("{prefix} {major} {} <nil>", path.escaped())
        });
        questions.ask("path", [&path], ours.unwrap_or("no".to_owned()));
        questions.ask("import", [&path], yes_no(check_import_path(&path).is_ok()));
        questions.ask("file", [&path], yes_no(check_file_path(&path).is_ok()));
        let escaped = path.replace('B', "!b").replace('A', "!a").replace("Mod", "!Mod");
        let ours = ModulePath::unescape(&escaped).map(|path| path.as_str().to_owned());
        questions.ask("unescape path", [&escaped], ours.unwrap_or("no".to_owned()));
    }
    assert!(questions.accepted() > ROUNDS, "{} accepted", questions.accepted());
    questions.compare();
}

#[test]
fn versions() {
    let mut words = Words::new(2);
    let mut questions = Questions::default();
    let some_path = ModulePath::parse("example.test/m").unwrap();
    for _ in 0..ROUNDS {
        let version = words.version();
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let ours = [
            yes_no(semver::is_valid(&version)).to_owned(),
            semver::canonical(&version).unwrap_or_default(),
            text(semver::major(&version)),
            semver::major_minor(&version).unwrap_or_default(),
            text(semver::prerelease(&version)),
            text(semver::build(&version)),
            yes_no(pseudo::is_pseudo(&version)).to_owned(),
        ];
        questions.ask("version", [&version], ours.join(" "));
        let other = words.version();
        let ours = (semver::compare(&version, &other) as i8).to_string();
        questions.ask("compare", [&version, &other], ours);

        let path = words.path();
        if let (Ok(path), Ok(version)) = (ModulePath::parse(&path), Version::parse(&version)) {
            let ours = yes_no(path.check_version(&version).is_ok());
            questions.ask("fits", [path.as_str(), version.as_str()], ours);
        }

        // What may stand before `.info`. Go lets the three words through here and refuses them elsewhere.
        let escaped = version.replace('A', "!a");
        let ours = match Named::unescape(&some_path, &escaped) {
            Ok(Named::Version(module)) => module.version().as_str().to_owned(),
            Ok(Named::Query(query)) => query.as_str().to_owned(),
            Err(_) if matches!(escaped.as_str(), "latest" | "upgrade" | "patch") => escaped.clone(),
            Err(_) => "no".to_owned(),
        };
        questions.ask("unescape version", [&escaped], ours);
        let ours = Query::parse(&version).map(|query| query.escaped());
        questions.ask("escape version", [&version], ours.unwrap_or("no".to_owned()));
    }
    questions.compare();
}

#[test]
fn pseudo_versions() {
    let mut words = Words::new(3);
    let mut questions = Questions::default();
    let mut found = 0;
    for _ in 0..2 * ROUNDS {
        let text = words.version();
        let Ok(version) = Version::parse(&text) else {
            continue;
        };
        if let Some(pseudo) = PseudoVersion::of(&version) {
            found += 1;
            let base = pseudo.base().map_or("no".to_owned(), Option::unwrap_or_default);
            let time = pseudo.time().map_or("no".to_owned(), |time| time.to_string());
            questions.ask("pseudo", [&text], format!("{base} {time} {}", pseudo.rev()));
        }
        let (major, base) = (words.pick(&["", "v0", "v1", "v3"]), words.version());
        let time = words.pick(&[
            "2020-01-02T03:04:05Z",
            "0001-01-01T00:00:00Z",
            "1999-12-31T23:59:59+02:00",
        ]);
        let ours = pseudo::build(major, Some(&base), time.parse().unwrap(), "abcdefabcdef");
        questions.ask("build pseudo", [major, &base, time, "abcdefabcdef"], ours);
    }
    assert!(found > 100, "only {found} pseudo-versions among the texts");
    questions.compare();
}

#[test]
fn patterns() {
    const GLOBS: &[&str] = &[
        "a", "b", "*", "*", "?", "/", ",", "[a-c]", "[^a]", "[", "]", "\\", "-", "[\\]]", "é",
    ];
    let mut words = Words::new(4);
    let mut questions = Questions::default();
    for _ in 0..ROUNDS {
        let (list, target) = (
            words.join(GLOBS, 8),
            words.join(&["a", "b", "c", "/", "]", "x"], 8),
        );
        let ours = Patterns::parse(&list).map(|patterns| yes_no(patterns.matches(&target)));
        questions.ask("match", [&list, &target], ours.unwrap_or("malformed"));
    }
    questions.compare();
}

#[test]
fn go_mod_files() {
    const LINES: &[&str] = &[
        "module example.test/m",
        "module \"example.test/m\"",
        "module `a/b`",
        "module (",
        "module",
        "module a b",
        "go 1.23",
        "go 1.24",
        "go 1.24rc1",
        "go 1.24.1rc1",
        "go v1.24",
        "go v1.25.x",
        "go 1.24-foo",
        "go 1",
        "go (",
        "require a.test/b v1.2.3",
        "require a.test/b v1.2.3 // indirect",
        "require a.test/b/v2 v2",
        "require a.test/b v2.0.0",
        "require a.test/b master",
        "require (",
        "\ta.test/b v1.0.0",
        "\t\"a.test/b\" \"v1.0.0+incompatible\"",
        "retract v1.0.1",
        "retract [v1.0.0, v1.5]",
        "retract [v1.0.0,v1.5] x",
        "retract (",
        "\t[v1.2.0, v1.3.0] // why",
        "\tv1.4.0",
        "retract main",
        "replace x => y",
        "exclude (",
        "ignore ./a",
        "ignore (",
        "ignore a b",
        "tool x",
        ")",
        ") // c",
        ") x",
        "// comment",
        "",
        "/* c */",
        "unknown (x) [y] {z}, w",
        "x ( )",
        "x ()// c",
        "x \"a\\\"b\"",
        "x 'y'",
        "toolchain",
        "\u{a0}",
        "é \u{301}",
        "x\ty\r",
    ];
    const PIECES: &[&str] = &[
        "module", "go", "require", "retract", "ignore", " ", " ", " ", "\t", "\n", "\n", "(", ")", "[", "]",
        ",", "\"", "`", "'", "\\", "//", "/*", "v1.0.0", "a.test/b", "1.24", "rc1", "\u{b}", "\r", "é",
        "\u{feff}", "\u{85}", "\0", "\\x41", "\\u00e9", "\\q",
    ];
    let mut words = Words::new(5);
    let mut questions = Questions::default();
    for _ in 0..2 * ROUNDS {
        let mut text = String::new();
        for _ in 0..=words.below(6) {
            text += &words.either(LINES, PIECES);
            text += words.pick(&["\n", "\n", "\n", "\r\n", ""]);
        }
        let mut bytes = text.into_bytes();
        if words.below(20) == 0 {
            let at = words.below(bytes.len() + 1);
            bytes.insert(at, 0xff);
        }
        let encoded = BASE64_STANDARD.encode(&bytes);
        let version = words.pick(&["v1.0.0", "v1.0.1", "v1.2.5", "v1.4.0", "v1.5.0", "v2.0.0"]);
        let ours = GoMod::parse(&bytes).map(|go_mod| {
            let mut facts = vec![
                go_mod
                    .module
                    .as_ref()
                    .map_or("-".to_owned(), |path| format!("module {path}")),
                go_mod
                    .go
                    .as_ref()
                    .map_or("-".to_owned(), |version| format!("go {version}")),
                if go_mod.go_version_at_least(1, 24) {
                    "new"
                } else {
                    "old"
                }
                .to_owned(),
                if go_mod.retracts(version) {
                    "retracted"
                } else {
                    "kept"
                }
                .to_owned(),
            ];
            facts.extend(
                go_mod
                    .retractions
                    .iter()
                    .map(|retraction| format!("{} {}", retraction.low, retraction.high)),
            );
            facts.join("; ")
        });
        questions.ask("go.mod", [&encoded, version], ours.unwrap_or("no".to_owned()));
        questions.ask(
            "module path",
            [&encoded],
            go_mod::module_path(&bytes).unwrap_or_default(),
        );
    }
    assert!(questions.accepted() > ROUNDS, "{} accepted", questions.accepted());
    questions.compare();
}

#[test]
fn sums() {
    let mut words = Words::new(6);
    let mut questions = Questions::default();
    for _ in 0..ROUNDS / 10 {
        let mut file = || {
            (
                words.join(&["a", "B", "/", "é", "~", " ", ".go"], 6),
                words.join(&["x", "\n", "\r"], 9),
            )
        };
        let ((a, in_a), (b, in_b), (c, in_c)) = (file(), file(), file());
        if a == b || b == c || a == c {
            continue;
        }
        let files = [(&a, &in_a), (&b, &in_b), (&c, &in_c)]
            .map(|(name, content)| (name, Sha256::of(content.as_bytes())));
        questions.ask(
            "sum",
            [&a, &in_a, &b, &in_b, &c, &in_c],
            H1::of_files(files).unwrap().to_string(),
        );
    }
    questions.compare();
}

#[test]
fn info_files() {
    const TEXTS: &[&str] = &[
        "",
        "git",
        "https://a.test/?x=1&y=2",
        "a<b>",
        "\u{2028}",
        "é",
        "\"\\\n\t\u{1}\u{8}\u{c}\u{7f}",
        "refs/heads/main",
    ];
    // Not among them: a comma before the fraction, an hour of one digit and a zone of 24 hours, which Go takes by
    // mistake (go.dev/issue/54580) and we do not.
    const TIMES: &[&str] = &[
        "2020-02-02T03:04:05Z",
        "2020-02-02T03:04:05.120Z",
        "0001-01-01T00:00:00Z",
        "2020-02-29T23:59:59.999999999Z",
        "2020-02-02T03:04:05+02:00",
        "2020-02-02T03:04:05.5-23:59",
        "2020-02-30T03:04:05Z",
        "2020-02-02t03:04:05Z",
        "2020-02-02T24:00:00Z",
        "2020-02-02T03:04:60Z",
        "2020-02-02",
        "",
        "2020-02-02T03:04:05.Z",
        "2020-02-02T03:04:05.1234567890Z",
    ];
    let mut words = Words::new(7);
    let mut questions = Questions::default();
    for _ in 0..ROUNDS / 4 {
        let [vcs, url, subdir, hash, reference] = [(); 5].map(|()| words.join(TEXTS, 2));
        let time = words.pick(&TIMES[..4]);
        let full = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let origin = Origin {
            vcs: vcs.clone(),
            url: url.clone(),
            subdir: full(&subdir),
            hash: full(&hash),
            reference: full(&reference),
        };
        let info = Info {
            version: Version::parse("v1.2.3-Rc").unwrap(),
            time: time.parse().unwrap(),
            origin: Some(origin),
        };
        let written = String::from_utf8(info.to_json()).unwrap();
        assert_eq!(Info::parse(written.as_bytes()), Ok(info));
        questions.ask(
            "write info",
            ["v1.2.3-Rc", time, &vcs, &url, &subdir, &hash, &reference],
            written,
        );

        let some_time = words.pick(TIMES);
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let version = words.either(
            &["v1.0.0", "v2.0.0+incompatible", "v1", "main", ""],
            &["v1.0.0", "-x", "+y"],
        );
        let json = format!(
            "{{{}{}:{}{}{}:{}{}}}{}",
            words.pick(&[
                "",
                "\"Other\":{\"Version\":[1]},",
                " \"Name\" : null , ",
                "\"Short\":\"\\u0041\","
            ]),
            words.pick(&["\"Version\"", "\"version\"", "\"VERSION\"", "\"ver\u{17f}ion\""]),
            words.pick(&[&quoted(&version), "null", "1", "\"v1.0.0\"", "\"v1.0.0\""]),
            words.pick(&[",", ",", ",", ",,", ""]),
            words.pick(&["\"Time\"", "\"time\""]),
            words.pick(&[&quoted(some_time), "null"]),
            words.pick(&[
                "",
                ",\"Origin\":null",
                ",\"Origin\":{}",
                ",\"origin\":{\"URL\":\"u\",\"ref\":\"r\",\"TagSum\":\"t\"}",
                ",\"Origin\":1"
            ]),
            words.pick(&["", "", "\n", " x"]),
        );
        let ours = Info::parse(json.as_bytes()).map(|info| String::from_utf8(info.to_json()).unwrap());
        questions.ask("read info", [&json], ours.unwrap_or("no".to_owned()));
    }
    assert!(
        questions.accepted() > ROUNDS / 4,
        "{} accepted",
        questions.accepted()
    );
    questions.compare();
}

/// Our Unicode tables may be newer than those of the go command; on every character it knows, they must agree.
#[test]
fn characters_that_go_knows() {
    let mut questions = Questions::default();
    questions.ask("characters", [], "");
    let Some(answers) = questions.answers() else {
        testkit::skip_or_fail!("there is no go command here")
    };
    let mut newer = 0;
    for (code, &theirs) in answers[0].as_bytes().iter().enumerate() {
        let Some(character) = u32::try_from(code).ok().and_then(char::from_u32) else {
            continue;
        };
        use GeneralCategoryGroup::{Letter, Mark, Number, Punctuation, Symbol};
        let group = character.general_category_group();
        let is_printable = matches!(group, Letter | Mark | Number | Punctuation | Symbol) || character == ' ';
        match theirs {
            b'U' => newer += usize::from(character.general_category() != GeneralCategory::Unassigned),
            _ => {
                assert_eq!(group == Letter, theirs == b'L', "{character:?}");
                assert_eq!(is_printable, theirs == b'L' || theirs == b'P', "{character:?}");
            }
        }
    }
    println!("{newer} characters are newer than the tables of this go command");
}
