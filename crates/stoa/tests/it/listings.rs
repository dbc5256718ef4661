//! `/catalog` and `/index`: what is kept, for scripts.

use crate::{stoa, stoa_of};
use serde_json::Value;
use std::{collections::HashSet, fs};
use testkit::{
    client::{Answer, Ask, block_on},
    module::{Module, fixtures},
    proxy::FakeUpstream,
    stoa::StoaProcess,
};

/// Versions of a few modules, in the order in which they are asked for.
fn versions() -> Vec<Module> {
    let mut versions: Vec<Module> = (0..7)
        .map(|number| Module::new("example.test/m", &format!("v1.{number}.0")))
        .collect();
    versions.push(Module::new("example.test/Upper/x", "v1.0.0-RC.1"));
    versions.push(Module::new("example.test/m/v2", "v2.0.0"));
    versions.push(Module::new("private.test/secret", "v1.0.0"));
    versions
}

/// Fetches all of them, one after the other.
fn fetch(server: &StoaProcess, versions: &[Module]) {
    for version in versions {
        for kind in ["zip", "info", "mod"] {
            let answer = server.get_blocking(&version.url_path(kind));
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
}

fn json(answer: &Answer) -> Value {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json"),
        "{}",
        answer.text()
    );
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

fn text(value: &Value, key: &str) -> String {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
        .to_owned()
}

/// Every `module@version` of the catalog, in pages of this size, as a script of Athens' users collects them.
fn catalog(server: &StoaProcess, size: usize) -> Vec<String> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = json(&server.get_blocking(&format!("/catalog?pagesize={size}&token={token}")));
        let modules = page["modules"].as_array().expect("a list");
        assert!(modules.len() <= size);
        all.extend(
            modules
                .iter()
                .map(|entry| text(entry, "module") + "@" + &text(entry, "version")),
        );
        token = text(&page, "next");
        if token.is_empty() {
            return all;
        }
        assert_eq!(modules.len(), size, "only the last page is short");
    }
}

/// The index as `(module@version, timestamp)`.
fn index(server: &StoaProcess, query: &str) -> Vec<(String, String)> {
    let answer = server.get_blocking(&format!("/index{query}"));
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json"),
        "{}",
        answer.text()
    );
    let line = |line: &str| {
        let entry: Value = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(entry.as_object().map(serde_json::Map::len), Some(3), "{line}");
        (
            text(&entry, "Path") + "@" + &text(&entry, "Version"),
            text(&entry, "Timestamp"),
        )
    };
    answer.text().lines().map(line).collect()
}

/// Waits until the index has so many lines: an answer never waits for the feed.
fn index_of(server: &StoaProcess, count: usize) -> Vec<(String, String)> {
    for _ in 0..6000 {
        let lines = index(server, "");
        if lines.len() >= count {
            return lines;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the index stays short: {:?}\n{}", index(server, ""), server.log());
}

fn names(versions: &[Module]) -> Vec<String> {
    versions
        .iter()
        .map(|module| format!("{}@{}", module.path, module.version))
        .collect()
}

#[test]
fn the_catalog_pages_through_every_version_once() {
    let upstream = FakeUpstream::serving(versions());
    let server = stoa_of(&upstream).start();
    assert_eq!(
        json(&server.get_blocking("/catalog")),
        serde_json::json!({ "modules": [], "next": "" })
    );
    fetch(&server, &versions());
    let expected: HashSet<String> = names(&versions()).into_iter().collect();
    for size in [1, 2, 3, 10, 1000, 1_000_000] {
        let found = catalog(&server, size);
        assert_eq!(found.len(), expected.len(), "pages of {size}: {found:?}");
        assert_eq!(
            found.into_iter().collect::<HashSet<_>>(),
            expected,
            "pages of {size}"
        );
    }
    // A version that comes meanwhile moves none of those that were there.
    let first = json(&server.get_blocking("/catalog?pagesize=4"));
    let late = [
        Module::new("example.test/aaa", "v1.0.0"),
        Module::new("example.test/zzz", "v1.0.0"),
    ];
    upstream.add(late[0].clone());
    upstream.add(late[1].clone());
    fetch(&server, &late);
    let rest = json(&server.get_blocking(&format!("/catalog?token={}", text(&first, "next"))));
    let mut all: Vec<String> = Vec::new();
    for page in [&first, &rest] {
        let modules = page["modules"].as_array().expect("a list").iter();
        all.extend(modules.map(|entry| text(entry, "module") + "@" + &text(entry, "version")));
    }
    assert_eq!(
        all.iter().filter(|name| !name.contains("zzz")).count(),
        expected.len(),
        "{all:?}"
    );
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
}

#[test]
fn the_index_is_in_the_order_of_inserts_and_its_cursor_holds() {
    let upstream = FakeUpstream::serving(versions());
    let server = stoa_of(&upstream).start();
    assert_eq!(index(&server, ""), []);
    for version in versions() {
        let known = index(&server, "").len();
        fetch(&server, &[version]);
        index_of(&server, known + 1);
    }
    let all = index(&server, "");
    assert_eq!(
        all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(),
        names(&versions())
    );
    assert!(
        all.windows(2).all(|pair| pair[0].1 < pair[1].1),
        "moments grow strictly: {all:?}"
    );
    assert!(
        all.iter()
            .all(|(_, moment)| moment.ends_with('Z') && moment.len() == 27),
        "{all:?}"
    );

    for (position, (_, moment)) in all.iter().enumerate() {
        assert_eq!(index(&server, &format!("?since={moment}")), all[position..]);
        let nanoseconds = moment.replace('Z', "001Z");
        assert_eq!(
            index(&server, &format!("?since={nanoseconds}")),
            all[position + 1..]
        );
        let one = index(&server, &format!("?since={moment}&limit=1&include=all"));
        assert_eq!(one, all[position..=position]);
    }
    assert_eq!(
        index(&server, "?since=2019-04-10T19:08:52.997264Z&limit=3"),
        all[..3]
    );
    assert_eq!(
        index(&server, "?since=2019-04-10T21:08:52%2B02:00&limit=5000"),
        all
    );
    assert_eq!(index(&server, "?since=9000-01-01T00:00:00Z"), []);

    // The same after a restart, and nothing twice for having been asked for again.
    let server = server.restart();
    fetch(&server, &versions());
    assert_eq!(index(&server, ""), all);
}

#[test]
fn a_store_that_was_filled_by_other_means_is_in_the_index_too() {
    let upstream = FakeUpstream::serving(fixtures());
    let setup = stoa_of(&upstream);
    let folder = setup.store().join("example.test/old/@v");
    fs::create_dir_all(&folder).expect("a folder can be made");
    for number in 0..3 {
        let module = Module::new("example.test/old", &format!("v1.{number}.0"));
        fs::write(folder.join(format!("v1.{number}.0.info")), module.info()).expect("a file can be written");
        fs::write(folder.join(format!("v1.{number}.0.mod")), module.go_mod()).expect("a file can be written");
    }
    let server = setup.start();
    let found: HashSet<String> = index_of(&server, 3).into_iter().map(|(name, _)| name).collect();
    let expected = (0..3)
        .map(|number| format!("example.test/old@v1.{number}.0"))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn private_modules_are_named_only_if_somebody_decides_so() {
    let upstream = FakeUpstream::serving(versions());
    let server = stoa_of(&upstream).start();
    fetch(&server, &versions());
    index_of(&server, versions().len());
    let setup = server
        .kill()
        .environment("STOA_UPSTREAM__PRIVATE", "private.test,*.test/Upper");
    let server = setup.start();
    let expected: Vec<String> = names(&versions())
        .into_iter()
        .filter(|name| !name.contains("private") && !name.contains("Upper"))
        .collect();
    assert_eq!(
        index(&server, "")
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(
        index(&server, "?limit=8").len(),
        8,
        "what is left out does not count"
    );
    for size in [1, 3, 100] {
        let found: HashSet<String> = catalog(&server, size).into_iter().collect();
        assert_eq!(found, expected.iter().cloned().collect(), "pages of {size}");
    }
    let server = server.kill().environment("STOA_CATALOG__PRIVATE", "true").start();
    assert_eq!(index(&server, "").len(), versions().len());
    assert_eq!(catalog(&server, 3).len(), versions().len());
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let server = stoa().start();
    for path in [
        "/catalog?pagesize=0",
        "/catalog?pagesize=-1",
        "/catalog?pagesize=many",
        "/catalog?token=example.test/m@v1.0.0",
        "/catalog?token=!!",
        "/index?limit=0",
        "/index?limit=-5",
        "/index?limit=1.5",
        "/index?since=yesterday",
        "/index?since=2026-01-01",
        "/index?since=2026-01-01T00:00:00",
        "/index?since=1764108000",
    ] {
        let answer = server.get_blocking(path);
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert_eq!(
            answer.header("content-type"),
            "text/plain; charset=utf-8",
            "{path}"
        );
        assert!(answer.text().contains(" must be "), "{path}: {}", answer.text());
    }
    // Nothing given is nothing asked, as in a form.
    for path in ["/catalog?token=&pagesize=", "/index?since=&limit="] {
        assert_eq!(server.get_blocking(path).status, 200, "{path}");
    }
}

#[test]
fn lists_answer_like_every_other_page() {
    let upstream = FakeUpstream::serving(versions());
    let server = stoa_of(&upstream).environment("STOA_BASE_PATH", "/go").start();
    let module = &versions()[0];
    let below = format!("/go{}", module.url_path("info"));
    assert_eq!(server.get_blocking(&below).status, 200);
    for path in ["/go/catalog", "/go/index"] {
        let url = format!("{}{path}", server.url());
        let answer = server.get_blocking(path);
        let head = block_on(Ask::get(&url).method("HEAD").send()).expect("an answer");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        let post = block_on(Ask::get(&url).method("POST").send()).expect("an answer");
        assert_eq!((post.status, post.header("allow")), (405, "GET, HEAD"), "{path}");
    }
    for path in ["/catalog", "/index"] {
        assert_eq!(server.get_blocking(path).status, 404, "{path}");
    }
}
