//! Where in a repository modules lie: subfolders, major versions, gopkg.in's way, odd `go.mod` files.

use super::House;
use testkit::{git::Commit, skip_or_fail};

fn go_mod(path: &str) -> String {
    format!("module {path}\n\ngo 1.20\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn subfolders_and_major_versions() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("G37 G38 G39 G59");
    let path = "example.test/mono";
    let repository = house.repository(path);
    let one = repository.commit(
        "main",
        &Commit::at(1_600_000_000)
            .file("go.mod", go_mod(path))
            .file("LICENSE", "ROOTLICENSE\n")
            .file("sub/go.mod", go_mod("example.test/mono/sub"))
            .file("sub/s.go", "package sub\n")
            .file("sub/inner/i.go", "package inner\n")
            .file("sub/v2/go.mod", go_mod("example.test/mono/sub/v2"))
            .file("sub/v2/s.go", "package sub\n")
            .file("nomod/n.go", "package n\n"),
    );
    for tag in ["sub/v0.1.0", "sub/v2.0.0", "sub/v2/v2.0.1", "v0.9.0"] {
        repository.tag(tag, &one);
    }
    let two = repository.commit(
        "main",
        &Commit::at(1_600_000_100)
            .file("sub/go.mod", go_mod("example.test/mono/sub"))
            .after(&one),
    );
    house.compare(path, &["v0.9.0", "latest"]);
    house.compare(
        "example.test/mono/sub",
        &[
            "v0.1.0",
            "sub/v0.1.0",
            "sub/v2/v2.0.1",
            "v0.9.0",
            "v2.0.0",
            "main",
            "latest",
            "v0",
            &two,
            &one,
            "v2.0.0+incompatible",
        ],
    );
    house.compare("example.test/mono/sub/v2", &["v2.0.0", "v2.0.1", "latest", &one]);
    house.compare("example.test/mono/nomod", &["main", "v0.9.0"]);
    house.compare("example.test/mono/nosuch", &["main"]);

    house.rows("G34 G36");
    let path = "example.test/major";
    let repository = house.repository(path);
    let one = repository.commit(
        "main",
        &Commit::at(1_600_000_000)
            .file("go.mod", go_mod("example.test/major/v2"))
            .file("a.go", "package a\n"),
    );
    repository.tag("v2.0.0", &one);
    repository.tag("v1.0.0", &one);
    house.compare("example.test/major/v2", &["v2.0.0", "v1.0.0", "main", "latest"]);
    house.compare(path, &["v2.0.0", "v1.0.0", "main", "v2.0.0+incompatible"]);

    house.rows("G35");
    let path = "example.test/both";
    let repository = house.repository(path);
    let both = Commit::at(1_600_000_000)
        .file("go.mod", go_mod("example.test/both/v2"))
        .file("v2/go.mod", go_mod("example.test/both/v2"));
    let one = repository.commit("main", &both);
    repository.tag("v2.0.0", &one);
    house.compare("example.test/both/v2", &["v2.0.0", "main"]);

    let repository = house.repository_in("example.test/sd", "sub");
    let one = repository.commit(
        "main",
        &Commit::at(1_600_000_000)
            .file("sub/go.mod", go_mod("example.test/sd"))
            .file("sub/a.go", "package a\n")
            .file("inner/sub/go.mod", go_mod("example.test/sd/inner"))
            .file("inner/sub/b.go", "package b\n")
            .file("LICENSE", "root\n"),
    );
    repository.tag("sub/v1.0.0", &one);
    repository.tag("inner/sub/v1.0.0", &one);
    house.compare("example.test/sd", &["v1.0.0", "main", "latest"]);
    house.compare("example.test/sd/inner", &["v1.0.0", "main"]);
    house.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_go_mod_files() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("G40 G43 G56 G57 Z25");
    let odd: &[(&str, &str)] = &[
        ("empty", ""),
        ("bom", "\u{feff}module example.test/bom\n"),
        ("quoted", "module \"example.test/quoted\" // c\n"),
        ("block", "module (\n\texample.test/block\n)\n"),
        ("wrongname", "module example.test/another\n\ngo 1.20\n"),
        ("gopkg", "module gopkg.in/foo.v3\n"),
        ("newer", "module example.test/newer\n\ngo 1.999\n"),
        ("crlf", "module example.test/crlf\r\n\r\ngo 1.20\r\n"),
    ];
    for (name, content) in odd {
        let path = format!("example.test/{name}");
        let repository = house.repository(&path);
        let one = repository.commit(
            "main",
            &Commit::at(1_600_000_000)
                .file("go.mod", content.to_string())
                .file("a.go", "package a\n"),
        );
        repository.tag("v1.0.0", &one);
        house.compare_query(&path, "v1.0.0");
    }
    let path = "example.test/linked";
    let repository = house.repository(path);
    let one = repository.commit(
        "main",
        &Commit::at(1_600_000_000)
            .entry("120000", "go.mod", "other.mod")
            .file("other.mod", go_mod(path)),
    );
    repository.tag("v1.0.0", &one);
    house.compare_query(path, "v1.0.0");

    house.rows("G41 G42");
    for (path, tags) in [
        ("gopkg.in/yaml.v3", ["v3.0.0", "v3.0.1"]),
        ("gopkg.in/check.v1-unstable", ["v1.0.0", "v1.1.0"]),
    ] {
        let repository = house.repository(path);
        let one = repository.commit("main", &Commit::at(1_600_000_000).file("a.go", "package a\n"));
        repository.tag(tags[0], &one);
        let two = repository.commit(
            "main",
            &Commit::at(1_600_000_100)
                .file("a.go", "package a\n")
                .file("go.mod", go_mod(path))
                .after(&one),
        );
        repository.tag(tags[1], &two);
        repository.commit(
            "main",
            &Commit::at(1_600_000_200).file("a.go", "package a\n").after(&two),
        );
        house.compare(path, &[tags[0], tags[1], "main", "latest", &one]);
    }
    house.also("gopkg.in/yaml.v1", "gopkg.in/yaml.v3");
    house.compare("gopkg.in/yaml.v1", &["v3.0.0", "v1.0.0", "main", "latest"]);
    // HEAD is what latest means there, under the name of its tag.
    let path = "gopkg.in/tagged.v2-unstable";
    let repository = house.repository(path);
    let one = repository.commit("main", &Commit::at(1_600_000_000).file("a.go", "package a\n"));
    repository.tag("v2.1.0", &one);
    house.compare(path, &["latest", "v2.1.0", "v2"]);
    house.agrees().await;
}
