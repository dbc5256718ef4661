//! What versions commits have: tags, branches, hashes, pseudo-versions, `+incompatible`, retractions.

use super::House;
use testkit::{git::Commit, skip_or_fail};

fn go_mod(path: &str) -> String {
    format!("module {path}\n\ngo 1.20\n")
}

/// A commit of a module with one file that differs from commit to commit.
fn commit(path: &str, time: u64) -> Commit {
    Commit::at(time)
        .file("go.mod", go_mod(path))
        .file("a.go", format!("package a\n// {time}\n"))
}

/// The form 1 pseudo-version of a commit.
fn pseudo(time: &str, hash: &str) -> String {
    format!("v0.0.0-{time}-{}", &hash[..12])
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_branches_and_hashes() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows(
        "G1 G2 G3 G4 G6 G7 G8 G9 G10 G12 G13 G14 G17 G18 G19 G20 G21 G22 G23 G24 G25 G26 G27 G44 G46 G47 G48",
    );
    let path = "example.test/basic";
    let repository = house.repository(path);
    let c1 = repository.commit("c1", &commit(path, 1_577_934_245));
    let c2 = repository.commit("c2", &commit(path, 1_580_612_645).after(&c1));
    repository.tag("v1.2.3", &c2);
    let c3 = repository.commit("main", &commit(path, 1_583_000_000).after(&c2));
    let c4 = repository.commit("feature/slash", &commit(path, 1_586_000_000).after(&c3));
    repository.annotate("v1.3.0-rc.1", &c4, 1_587_000_000);
    let c5 = repository.commit("pre", &commit(path, 1_589_000_000).after(&c4));
    let side = repository.commit("side", &commit(path, 1_590_000_000).after(&c1));
    repository.tag("v1.9.0", &side);
    let merge = repository.commit("merged", &commit(path, 1_591_000_000).after(&c5).after(&side));
    let hidden = repository.commit("hidden", &commit(path, 1_592_000_000).after(&c5));
    repository.git(["update-ref", "refs/pull/1/head", &hidden]);
    repository.remove("refs/heads/hidden");
    repository.branch("deadbeef", &c1);
    repository.branch("v0.5.0", &c1);
    repository.branch("v1.2.3", &c1);
    for tag in [
        "v1",
        "v0.1",
        "V1.0.0",
        "1.0.0",
        "v01.2.3",
        "v0.2.0+meta",
        "v0.0.0-20210801000000-abcdefabcdef",
        "v0.0.1-0.20210801000000-abcdefabcdef",
    ] {
        repository.tag(tag, &c1);
    }
    repository.tag("v0.1.0-20210801000000-abcdefabcdef", &c1);
    let wrong = [
        pseudo("20200102030406", &c1),
        pseudo("20209902030405", &c1),
        pseudo("20200102030405", &c1),
        format!("v0.0.0-20200102030405-{}", &c1[..7]),
        format!("v0.0.0-20200102030405-{}", &c1[..13]),
        format!("v0.0.0-20200102030405-{}", c1[..12].to_uppercase()),
        format!("v1.0.0-20200102030405-{}", &c1[..12]),
        format!("v1.2.4-0.20200102030405-{}", &c1[..12]),
        format!("v1.9.1-0.20200229181320-{}", &c3[..12]),
        format!("v1.2.4-0.20200229181320-{}", &c3[..12]),
        format!("v1.8.1-0.20200229181320-{}", &c3[..12]),
        format!("v1.3.0-0.20200229181320-{}", &c3[..12]),
        format!("v1.0.0-0.20200229181320-{}", &c3[..12]),
        pseudo("20200202030405", &c2),
        pseudo("20200404113320", &c4),
        format!("v1.2.4-0.20200509041320-{}", &c5[..12]),
        format!("v1.3.0-rc.1.0.20200509041320-{}", &c5[..12]),
        format!("v1.3.0-rc.1.0.20200404113320-{}", &c4[..12]),
    ];
    let hashes = [&c1, &c2, &c3, &c4, &c5, &merge, &side].map(String::as_str);
    let mut queries = vec![
        "v1.2.3",
        "v1.3.0-rc.1",
        "v1.9.0",
        "v9.9.9",
        "main",
        "pre",
        "side",
        "merged",
        "c1",
        "latest",
        "deadbeef",
        "v0.5.0",
        "v0.2.0",
        "v0.2.0+meta",
        "v0.1.0-20210801000000-abcdefabcdef",
        "v0.0.0-20210801000000-abcdefabcdef",
        "v1.0.0+incompatible",
        "v0.0.1-0.20210801000000-abcdefabcdef",
        "feature/slash",
        "V1.0.0",
        "1.0.0",
        "v01.2.3",
        "v1",
        "v1.2",
        "v0",
        "v0.1",
        "v2",
        "main~1",
        "origin/main",
        "heads/main",
        "refs/heads/main",
        "refs/tags/v1.2.3",
        "nosuch",
    ];
    queries.extend(hashes);
    let upper = c3[..12].to_uppercase();
    queries.extend([&c1[..7], &c2[..12], &c3[..6], &hidden, &upper]);
    queries.extend(wrong.iter().map(String::as_str));
    house.compare(path, &queries);
    house.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn incompatible_versions() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    let plain = |time: u64| Commit::at(time).file("i.go", format!("package i\n//{time}\n"));
    house.rows("G28 G29 G30 G31");
    let path = "example.test/incompat";
    let repository = house.repository(path);
    let one = repository.commit("main", &plain(1_600_000_000));
    repository.tag("v1.0.0", &one);
    let two = repository.commit("main", &plain(1_600_000_100).after(&one));
    repository.tag("v2.0.0", &two);
    let branch = repository.commit("later", &plain(1_600_000_150).after(&two));
    let three = repository.commit(
        "main",
        &plain(1_600_000_200).file("go.mod", go_mod(path)).after(&two),
    );
    repository.tag("v3.0.0", &three);
    repository.commit("main", &plain(1_600_000_300).after(&three));
    house.compare(
        path,
        &[
            "v1.0.0",
            "v2.0.0",
            "v2.0.0+incompatible",
            "v3.0.0",
            "v3.0.0+incompatible",
            "v1.0.0+incompatible",
            "main",
            "later",
            "latest",
            "v2",
            "v3",
            &branch,
        ],
    );
    house.compare("example.test/incompat/v2", &["v2.0.0", "v2.0.0+incompatible"]);

    house.rows("G32");
    let path = "example.test/prerelease";
    let repository = house.repository(path);
    let one = repository.commit("main", &commit(path, 1_600_000_000));
    repository.tag("v1.0.0-pre", &one);
    let two = repository.commit("main", &plain(1_600_000_100).after(&one));
    repository.tag("v2.0.0", &two);
    house.compare(path, &["v1.0.0-pre", "v2.0.0", "latest", "main", "v1", "v2"]);

    house.rows("G33");
    let path = "example.test/subv2";
    let repository = house.repository(path);
    let one = repository.commit(
        "main",
        &plain(1_600_000_000)
            .file("v2/go.mod", go_mod("example.test/subv2/v2"))
            .file("v2/a.go", "package a\n"),
    );
    repository.tag("v2.0.0", &one);
    house.compare(path, &["v2.0.0", "v2.0.0+incompatible", "latest", "main"]);
    house.compare("example.test/subv2/v2", &["v2.0.0", "main", "latest"]);
    house.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retractions_and_what_latest_means() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("G49 G50");
    let path = "example.test/retract";
    let repository = house.repository(path);
    let one = repository.commit("main", &commit(path, 1_600_000_000));
    repository.tag("v1.0.0", &one);
    let two = repository.commit("main", &commit(path, 1_600_000_100).after(&one));
    repository.tag("v1.1.0", &two);
    let retracting = format!("{}\nretract [v1.1.0, v1.2.0]\n", go_mod(path));
    let three = repository.commit(
        "main",
        &commit(path, 1_600_000_200).file("go.mod", retracting).after(&two),
    );
    repository.tag("v1.2.0", &three);
    repository.branch("at-retracted", &two);
    repository.commit("main", &commit(path, 1_600_000_300).after(&three));
    house.compare(
        path,
        &[
            "v1.0.0",
            "v1.1.0",
            "v1.2.0",
            "main",
            "at-retracted",
            "latest",
            "v1",
            "v1.1",
            &two,
        ],
    );

    // All that there is is taken back, and so is what stands at HEAD, or what stands at HEAD by itself.
    for (path, tagged, range) in [
        ("example.test/all-back", true, "[v0.0.0, v1.9.9]"),
        ("example.test/tags-back", true, "v1.0.0"),
        ("example.test/itself-back", false, "[v0.0.0-0, v0.0.1]"),
    ] {
        let repository = house.repository(path);
        let retracting = format!("{}\nretract {range}\n", go_mod(path));
        let one = repository.commit(
            "main",
            &commit(path, 1_600_000_000).file("go.mod", retracting.clone()),
        );
        if tagged {
            repository.tag("v1.0.0", &one);
        }
        let next = commit(path, 1_600_000_100).file("go.mod", retracting).after(&one);
        repository.commit("main", &next);
        house.compare(path, &["latest", "main", &one]);
    }

    house.rows("G52");
    let path = "example.test/untagged";
    let repository = house.repository(path);
    repository.commit("main", &commit(path, 1_600_000_000));
    house.compare(path, &["latest", "main", "v1.0.0", "v1", "v0"]);

    house.rows("G51");
    let path = "example.test/onlypre";
    let repository = house.repository(path);
    let one = repository.commit("main", &commit(path, 1_600_000_000));
    repository.tag("v1.0.0-alpha", &one);
    repository.tag("v1.0.0-beta", &one);
    repository.commit("main", &commit(path, 1_600_000_100).after(&one));
    house.compare(path, &["latest", "main", "v1.0.0-alpha", "v1", "v1.0", &one]);

    house.rows("G53");
    let path = "example.test/empty";
    house.repository(path);
    house.compare(path, &["latest", "main", "v1.0.0"]);

    house.rows("G54");
    let path = "example.test/headless";
    let repository = house.repository(path);
    let one = repository.commit("other", &commit(path, 1_600_000_000));
    repository.tag("v1.0.0", &one);
    house.compare(path, &["latest", "HEAD", "v1.0.0", "other"]);

    house.rows("G16 G45");
    let path = "example.test/odd";
    let repository = house.repository(path);
    let one = repository.commit("main", &commit(path, 1_600_000_000));
    repository.tag("v0.3.0+incompatible", &one);
    repository.commit("main", &commit(path, 1_600_000_100).after(&one));
    let tree = repository.hash("main^{tree}");
    let blob = repository.hash("main:a.go");
    repository.tag("v0.7.0", &tree);
    repository.tag("v0.8.0", &blob);
    house.compare(path, &["main", "v0.3.0", "v0.7.0", "v0.8.0", &one]);
    house.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_and_branches_named_like_majors() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    // Written by hand: git makes no commit whose author's and committer's times and zones differ so.
    house.rows("G1 G5");
    let path = "example.test/times";
    let repository = house.repository(path);
    repository.commit("main", &commit(path, 1_577_934_245));
    let tree = repository.hash("main^{tree}");
    for (name, author, committer) in [
        ("east", "1577934245 +0200", "1577934245 +0200"),
        ("west", "1577934245 +0000", "1577934300 -1130"),
        ("apart", "1500000000 +0000", "1577934400 +0545"),
        ("before", "1577934400 +0000", "1000000000 +0000"),
    ] {
        let text = format!(
            "tree {tree}\nauthor A <a@e.test> {author}\ncommitter C <c@e.test> {committer}\n\n{name}\n"
        );
        repository.branch(name, &repository.write_object("commit", text.as_bytes()));
    }
    house.compare(path, &["main", "east", "west", "apart", "before", "latest"]);

    house.rows("G15");
    let path = "example.test/majors";
    let repository = house.repository(path);
    let plain = |time: u64| Commit::at(time).file("a.go", format!("package a\n//{time}\n"));
    let one = repository.commit("main", &plain(1_600_000_000));
    repository.tag("v1.0.0", &one);
    let two = repository.commit("next", &plain(1_600_000_100).after(&one));
    repository.tag("v2.0.0", &two);
    repository.tag("v2.1.0-rc.1", &two);
    let three = repository.commit("v2", &plain(1_600_000_200).after(&two));
    repository.branch("v1.0", &three);
    repository.branch("v5", &three);
    house.compare(
        path,
        &["v1", "v2", "v2.0", "v2.1", "v1.0", "v5", "latest", "main", &three],
    );
    house.agrees().await;
}
