//! The spool against a real disk.

use super::*;
use crate::{
    file::{Body, Held, Sha256},
    upstream::Chunks,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::{fs, io::Write};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn spool() -> (tempfile::TempDir, Spool) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(&folder.path().join("made/on/the/way")).unwrap();
    (folder, spool)
}

fn chunks(pieces: Vec<Result<Vec<u8>, &'static str>>) -> Chunks<&'static str> {
    stream::iter(pieces).map(|piece| piece.map(Bytes::from)).boxed()
}

fn file_of(body: &Body) -> &SpoolFile {
    match body.held() {
        Held::File(file) => file,
        Held::Memory(_) => panic!("expected a file"),
    }
}

#[test]
fn small_bodies_stay_in_memory_and_larger_ones_do_not() {
    let (_folder, spool) = spool();
    for (size, in_memory) in [
        (0, true),
        (MEMORY_LIMIT, true),
        (MEMORY_LIMIT + 1, false),
        (5 * MEMORY_LIMIT + 7, false),
    ] {
        for step in [1000, MEMORY_LIMIT - 1, MEMORY_LIMIT, size.max(1)] {
            let bytes: Vec<u8> = (0..size).map(|i| (i / 7) as u8).collect();
            let mut writer = spool.writer();
            bytes
                .chunks(step)
                .for_each(|chunk| writer.write_all(chunk).unwrap());
            let body = writer.seal().unwrap();
            assert_eq!(body.bytes().is_some(), in_memory, "{size} by {step}");
            assert_eq!((body.size(), body.sha256()), (size as u64, Sha256::of(&bytes)));
            assert!(body.read_to_bytes().unwrap() == bytes, "{size} by {step}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_sealed_file_is_read_only_by_mode_and_by_handle() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, spool) = spool();
    let mut writer = spool.writer();
    writer.write_all(&[7; MEMORY_LIMIT + 1]).unwrap();
    let body = writer.seal().unwrap();
    let file = file_of(&body);
    assert_eq!(
        file.file().metadata().unwrap().permissions().mode() & 0o7777,
        0o444
    );
    assert!(file.file().write_all(b"x").is_err());
    file.sync().unwrap();
}

#[test]
fn the_last_clone_of_a_body_removes_its_file() {
    let (_folder, spool) = spool();
    let mut writer = spool.writer();
    writer.write_all(&[7; MEMORY_LIMIT + 1]).unwrap();
    let body = writer.seal().unwrap();
    let (path, clone) = (file_of(&body).path().to_owned(), body.clone());
    drop(body);
    assert!(path.exists());
    drop(clone);
    assert!(!path.exists());
    assert_eq!(names(spool.folder()), ["lock"]);
}

#[test]
fn an_unfinished_body_leaves_nothing() {
    let (_folder, spool) = spool();
    let mut writer = spool.writer();
    writer.write_all(&[7; 3 * MEMORY_LIMIT]).unwrap();
    assert_eq!(names(spool.folder()), ["0", "lock"]);
    drop(writer);
    assert_eq!(names(spool.folder()), ["lock"]);
}

#[test]
fn a_spool_sweeps_what_nobody_holds_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let held = Spool::open(folder.path()).unwrap();
    // What a killed process leaves: a subfolder whose lock is free.
    let dead = folder.path().join("incoming-dead");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("lock"), "").unwrap();
    fs::write(dead.join("3"), "half a zip").unwrap();
    fs::create_dir(folder.path().join("incoming-empty")).unwrap();
    fs::create_dir(folder.path().join("not-ours")).unwrap();
    fs::write(folder.path().join("incoming-no-lock"), "a file").unwrap();

    let spool = Spool::open(folder.path()).unwrap();
    let name = |spool: &Spool| spool.folder().file_name().unwrap().to_str().unwrap().to_owned();
    let mut left = vec![
        name(&held),
        name(&spool),
        "incoming-no-lock".to_owned(),
        "not-ours".to_owned(),
    ];
    left.sort();
    assert_eq!(names(folder.path()), left);
    drop(held);
    drop(spool);
    assert_eq!(names(folder.path()), ["incoming-no-lock", "not-ours"]);
}

#[test]
fn a_body_outlives_its_spool() {
    let (folder, spool) = spool();
    let mut writer = spool.writer();
    writer.write_all(&[7; MEMORY_LIMIT + 1]).unwrap();
    drop(spool);
    let body = writer.seal().unwrap();
    assert_eq!(body.read_to_bytes().unwrap().len(), MEMORY_LIMIT + 1);
    drop(body);
    assert_eq!(names(&folder.path().join("made/on/the/way")).len(), 0);
}

#[test]
fn a_body_that_could_not_be_written_cannot_be_sealed() {
    let (_folder, spool) = spool();
    let mut writer = spool.writer();
    writer.write_all(&[1; 10]).unwrap();
    // The next file cannot be made, as on a full disk; the writer is then given up, even if the disk recovers.
    let taken = spool.folder().join("0");
    fs::write(&taken, "").unwrap();
    assert!(writer.write_all(&[2; MEMORY_LIMIT]).is_err());
    fs::remove_file(&taken).unwrap();
    assert!(writer.write_all(&[3; MEMORY_LIMIT]).is_err());
    assert!(matches!(writer.seal(), Err(SpoolError::Io(_))));
}

#[test]
fn a_full_disk_is_told_from_other_failures() {
    for (kind, full) in [
        (io::ErrorKind::StorageFull, true),
        (io::ErrorKind::QuotaExceeded, true),
        (io::ErrorKind::NotFound, false),
    ] {
        assert_eq!(
            matches!(SpoolError::from(io::Error::from(kind)), SpoolError::Full(_)),
            full
        );
    }
}

#[tokio::test]
async fn what_is_received_is_what_was_sent() {
    let (_folder, spool) = spool();
    for sizes in [
        vec![],
        vec![0],
        vec![10, 20],
        vec![40_000, 40_000],
        vec![1_000_000, 1, 300_000],
        vec![9000; 200],
    ] {
        let pieces: Vec<Vec<u8>> = sizes
            .iter()
            .enumerate()
            .map(|(i, &size)| vec![i as u8; size])
            .collect();
        let whole = pieces.concat();
        let body = spool
            .receive(chunks(pieces.into_iter().map(Ok).collect()), 2_000_000)
            .await
            .unwrap();
        assert_eq!(
            (body.size(), body.sha256()),
            (whole.len() as u64, Sha256::of(&whole))
        );
        assert!(body.read_to_bytes().unwrap() == whole);
        assert_eq!(body.bytes().is_some(), whole.len() <= MEMORY_LIMIT);
    }
}

#[tokio::test]
async fn receiving_ends_at_the_limit_and_at_the_sender_s_error() {
    let (_folder, spool) = spool();
    let million = || Ok(vec![1; 1_000_000]);
    let exact = spool.receive(chunks(vec![million(), million()]), 2_000_000).await;
    assert_eq!(exact.unwrap().size(), 2_000_000);
    let over = spool
        .receive(chunks(vec![million(), million(), Ok(vec![1])]), 2_000_000)
        .await;
    assert!(matches!(over, Err(ReceiveError::TooLarge { limit: 2_000_000 })));
    let broken = spool
        .receive(chunks(vec![million(), Err("reset")]), 2_000_000)
        .await;
    assert!(matches!(broken, Err(ReceiveError::Sender("reset"))));
}

#[tokio::test]
async fn a_receive_given_up_leaves_nothing() {
    let (_folder, spool) = spool();
    let endless =
        stream::iter(vec![Ok::<_, &str>(Bytes::from(vec![1; 300_000])); 3]).chain(stream::pending());
    let mut receive = Box::pin(spool.receive(endless.boxed(), 1 << 30));
    assert!(futures::poll!(&mut receive).is_pending());
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        // Until the first batch lies in the file; then give up, with the last one in flight.
        while names(spool.folder()).len() < 2 {
            assert!(futures::poll!(&mut receive).is_pending());
            tokio::task::yield_now().await;
        }
        drop(receive);
        while names(spool.folder()) != ["lock"] {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the file goes when the batch in flight is written");
}
