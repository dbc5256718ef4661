//! Every way to lie: refused with a sentence, nothing kept, nothing relayed.

use super::*;
use testkit::checksum_database::{Ledger, Reply, Signer};

/// Asks both ways what the lying database answers.
async fn refused(world: &World, what: &str) -> ChecksumError {
    let database = world.database();
    let refused = sums(&database, "example.test/m").await;
    let relayed = database.read("lookup/example.test/m@v1.0.0").await;
    assert!(relayed.is_err(), "{what} was relayed: {relayed:?}");
    assert!(!world.keeps_the_lookup().await, "{what} was kept");
    let error = refused.expect_err(what);
    assert!(error.to_string().contains(NAME), "{error}");
    error
}

/// What is made of the honest answers to lookups is refused.
async fn refused_lookup(what: &str, lie: impl Fn(String) -> Vec<u8> + Send + Sync + 'static) {
    let world = World::new(300);
    world.there.lie(
        move |path, (status, body): Reply| match path.starts_with("lookup/") {
            true => (status, lie(String::from_utf8(body).unwrap())),
            false => (status, body),
        },
    );
    let error = refused(&world, what).await;
    assert!(matches!(error, ChecksumError::Unproven { .. }), "{what}: {error}");
    // What it was is not remembered against an honest database.
    world.there.behave();
    assert_right(sums(&world.database(), "example.test/m").await.unwrap().unwrap());
}

#[tokio::test]
async fn the_right_record_is_believed_and_kept() {
    let world = World::new(300);
    let database = world.database();
    assert_right(sums(&database, "example.test/m").await.unwrap().unwrap());
    assert!(world.keeps_the_lookup().await);
    assert!(world.record("latest").await.unwrap().contains("\n304\n"));
    assert!(world.record("tile/8/0/001.p/48").await.is_some());
}

#[tokio::test]
async fn any_byte_changed_in_a_lookup_is_found() {
    let world = World::new(3);
    let lookup = "lookup/example.test/m@v1.0.0";
    let honest = world
        .there
        .ledger(|ledger| ledger.answer(world.there.signer(), lookup));
    for position in 0..honest.1.len() {
        world.there.lie(move |path, (status, mut body)| {
            if path.starts_with("lookup/") {
                body[position] ^= 1;
            }
            (status, body)
        });
        refused(&world, &format!("byte {position}")).await;
        assert_eq!(world.store.texts("lookup").await, [""; 0]);
    }
}

#[tokio::test]
async fn a_record_of_another_module_is_refused() {
    let other = |text: String| text.replace("example.test/m ", "example.test/n ").into_bytes();
    refused_lookup("another name in the record", other).await;
    let world = World::new(300);
    let signer = Signer::new(NAME, 42);
    let ledger = world.there.ledger(|ledger| ledger.clone());
    let unrelated = ledger.answer(&signer, "lookup/filler.example.test/m7@v1.0.0");
    assert_eq!(unrelated.0, 200);
    // It is in the tree, and signed for: just not what was asked for.
    refused_lookup("an unrelated but valid record", move |_| unrelated.1.clone()).await;
}

/// CVE-2026-42501: a 200 without a word about the module once counted as consent.
#[tokio::test]
async fn an_empty_record_is_refused() {
    let head_only = |text: String| {
        let (_, note) = text.split_once("\n\n").unwrap();
        format!("300\n\n{note}").into_bytes()
    };
    refused_lookup("an empty record", head_only).await;
    refused_lookup("nothing", |_| Vec::new()).await;
    refused_lookup("a web page", |_| b"<html>please log in</html>".to_vec()).await;
    let world = World::new(300);
    world
        .there
        .ledger(|ledger| ledger.records()[300] = "nothing here\n".to_owned());
    let ledger = world.there.ledger(|ledger| ledger.clone());
    let signer = Signer::new(NAME, 42);
    let body = format!("300\nnothing here\n\n{}", ledger.head(&signer, ledger.len())).into_bytes();
    refused_lookup("a record in the tree that says nothing", move |_| body.clone()).await;
}

/// CVE-2026-56864: sums that stand in the answer and not in the tree.
#[tokio::test]
async fn sums_beside_the_record_are_not_looked_at() {
    let forged = "example.test/m v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
                  example.test/m v1.0.0/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    let signer = Signer::new(NAME, 42);
    let ledger = World::new(300).there.ledger(|ledger| ledger.clone());
    let unrelated = ledger.clone().records()[7].clone();
    // In the text that the database itself signed, behind the tree.
    let head = ledger.head(&signer, ledger.len());
    let tree = head.split_once("\n\n").unwrap().0;
    let note = signer.sign(&format!("{tree}\n{forged}"));
    let body = format!("7\n{unrelated}\n{note}").into_bytes();
    refused_lookup("sums in the signed note", move |_| body.clone()).await;
    let body = format!("7\n{unrelated}\n{forged}\n{head}").into_bytes();
    refused_lookup("sums between record and note", move |_| body.clone()).await;
    let right = move |text: String| {
        let (record, note) = text.split_once("\n\n").unwrap();
        format!("{record}\n\n{forged}{note}").into_bytes()
    };
    refused_lookup("sums before the note", right).await;
    let in_record = move |text: String| text.replacen('\n', &format!("\n{forged}"), 1).into_bytes();
    refused_lookup("sums in the record", in_record).await;
}

#[tokio::test]
async fn a_head_of_somebody_else_is_refused() {
    for signer in [Signer::new(NAME, 7), Signer::new("other.example.test", 42)] {
        let signed_by = move |text: String| {
            let (record, note) = text.split_once("\n\n").unwrap();
            let tree = note.split_once("\n\n").unwrap().0;
            format!("{record}\n\n{}", signer.sign(&format!("{tree}\n"))).into_bytes()
        };
        refused_lookup("another's signature", signed_by).await;
    }
}

#[tokio::test]
async fn a_head_that_does_not_reach_the_record_is_refused() {
    let world = World::new(300);
    let head = world
        .there
        .ledger(|ledger| ledger.head(world.there.signer(), 300));
    let older = move |text: String| {
        let (record, _) = text.split_once("\n\n").unwrap();
        format!("{record}\n\n{head}").into_bytes()
    };
    refused_lookup("an older head", older).await;
}

#[tokio::test]
async fn a_record_with_another_number_is_refused() {
    refused_lookup("another number", |text| {
        text.replacen("300\n", "299\n", 1).into_bytes()
    })
    .await;
    refused_lookup("a number past the end", |text| {
        text.replacen("300\n", "304\n", 1).into_bytes()
    })
    .await;
    refused_lookup("no number", |text| text.replacen("300\n", "-1\n", 1).into_bytes()).await;
}

#[tokio::test]
async fn a_forged_tile_is_refused() {
    for name in ["tile/8/0/001.p/48", "tile/8/1/000.p/1"] {
        for place in [0, 31, 40] {
            let world = World::new(300);
            world.there.lie(move |path, (status, mut body)| {
                if path == name && body.len() > place {
                    body[place] ^= 0x80;
                }
                (status, body)
            });
            if name.contains("/1/") && place == 40 {
                continue; // it has one hash
            }
            let error = refused(&world, name).await;
            assert!(matches!(error, ChecksumError::Unproven { .. }), "{error}");
            assert_eq!(world.record(name).await, None, "nothing of it is kept");
            assert_eq!(world.record("latest").await, None);
        }
    }
}

/// CVE-2026-56865: a database that is honest but for one tile and the tile above it, which name a forged record.
#[tokio::test]
async fn forged_tiles_that_agree_with_each_other_are_refused() {
    let world = World::new(300);
    let signer = Signer::new(NAME, 42);
    let honest = world.there.ledger(|ledger| ledger.clone());
    let mut forged = honest.clone();
    let evil = honest.clone().records()[300].replace("h1:", "h1:AAAA")[..].replace("AAAA", "");
    forged.records()[0] = evil.replace("example.test/m", "example.test/n");
    let record = forged.records()[0].clone();
    let head = honest.head(&signer, honest.len());
    world.there.lie(move |path, reply| match path {
        "lookup/example.test/n@v1.0.0" => (200, format!("0\n{record}\n{head}").into_bytes()),
        "tile/8/0/000" | "tile/8/1/000.p/1" => forged.answer(&signer, path),
        _ => reply,
    });
    let error = sums(&world.database(), "example.test/n").await.unwrap_err();
    assert!(matches!(error, ChecksumError::Unproven { .. }), "{error}");
    assert_eq!(world.record("tile/8/0/000").await, None);
}

#[tokio::test]
async fn tiles_cut_short_or_absent_are_refused() {
    let cut: [fn(Reply) -> Reply; 3] = [
        |(status, body)| (status, body[32..].to_vec()),
        |(status, body)| (status, [body, vec![0; 32]].concat()),
        |_| (404, Vec::new()),
    ];
    for lie in cut {
        let world = World::new(300);
        world.there.lie(move |path, reply| {
            if path.starts_with("tile/") {
                lie(reply)
            } else {
                reply
            }
        });
        refused(&world, "a tile of another length").await;
    }
}

/// A partial tile may be gone once it is full: its beginning is taken.
#[tokio::test]
async fn a_full_tile_stands_for_its_beginning() {
    let world = World::new(300);
    let old = world.there.ledger(|ledger| ledger.clone());
    world.there.ledger(|ledger| ledger.fill(300));
    let signer = Signer::new(NAME, 42);
    world.there.lie(move |path, reply| match path {
        _ if path.starts_with("lookup/") => old.answer(&signer, path),
        _ if path.contains(".p/48") => (404, Vec::new()),
        _ => reply,
    });
    assert_right(sums(&world.database(), "example.test/m").await.unwrap().unwrap());
    assert_eq!(world.there.count("tile/8/0/001.p/48"), 1);
}

#[tokio::test]
async fn what_the_database_does_not_know_is_remembered_briefly() {
    let world = World::new(3);
    let database = world.database();
    for _ in 0..3 {
        assert_eq!(sums(&database, "example.test/unknown").await.unwrap(), None);
        assert_eq!(
            relayed(&database, "lookup/example.test/unknown@v1.0.0").await,
            None
        );
    }
    assert_eq!(world.there.count("lookup/"), 1);
}

#[tokio::test]
async fn a_database_that_fails_is_unavailable() {
    let world = World::new(3);
    for status in [400, 403, 500] {
        world.there.lie(move |_, _| (status, b"no\n".to_vec()));
        let error = refused(&world, "a failure").await;
        assert!(matches!(error, ChecksumError::Unavailable { .. }), "{error}");
    }
    world.there.unplug();
    let error = refused(&world, "nobody").await;
    assert!(matches!(error, ChecksumError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn an_empty_tree_is_no_answer() {
    let world = World::new(3);
    let head = Ledger::default().head(world.there.signer(), 0);
    world.there.lie(move |path, (status, body)| match path {
        "latest" => (200, head.clone().into_bytes()),
        _ => (status, body),
    });
    let database = world.database();
    assert!(relayed(&database, "latest").await.unwrap().contains("\n0\n"));
    world.there.behave();
    assert_right(sums(&database, "example.test/m").await.unwrap().unwrap());
}

/// An answer that is too long is one that cannot be right, and no sign of absence: nobody may keep the version unproven.
#[tokio::test]
async fn an_answer_that_is_too_long_proves_nothing() {
    for part in ["lookup/", "tile/"] {
        let world = World::new(300);
        world.there.lie(move |path, (status, mut body)| {
            if path.starts_with(part) {
                body.resize(3 << 20, b'\n');
            }
            (status, body)
        });
        let error = sums(&world.database(), "example.test/m").await.unwrap_err();
        assert!(matches!(error, ChecksumError::Unproven { .. }), "{part}: {error}");
        assert!(!world.keeps_the_lookup().await);
    }
}
