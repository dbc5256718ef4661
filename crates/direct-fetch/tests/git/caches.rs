//! The caches of repositories: many at once, killed in the middle, too large.

use super::{
    adversary::size_of,
    ends::until,
    house::{BOTH, House, bytes, commit, fetch, open, resolve, settings, source},
};
use direct_fetch::git::TransportChoice;
use futures::future::join_all;
use proxy_core::upstream::FetchContext;
use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};
use testkit::{git::Repository, skip_or_fail};

/// A repository with this many versions, each on its own commit.
fn versions(repository: &Repository, number: u64) {
    let mut last: Option<String> = None;
    for version in 0..number {
        let mut next = commit(version);
        if let Some(last) = &last {
            next = next.after(last);
        }
        let made = repository.commit("main", &next);
        repository.tag(&format!("v1.{version}.0"), &made);
        last = Some(made);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_questions_at_once_by_two_processes_over_one_cache() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    versions(&house.host.repository("r"), 6);
    for transport in BOTH {
        // Two of them know nothing of each other but the folder, as two processes would.
        let both = [(), ()].map(|()| house.read(transport, |_| {}));
        let (house, both) = (&house, &both);
        let questions = (0..12).map(|question| async move {
            let (git, version) = (&both[question % 2], format!("v1.{}.0", question / 2));
            if question % 3 == 0 {
                let listed = git
                    .versions(&house.source("r"), &FetchContext::default())
                    .await
                    .unwrap();
                assert_eq!(listed.len(), 6);
            }
            let go_mod = bytes(fetch(git, &house.source("r"), &version).await.unwrap().go_mod);
            let go_mod = String::from_utf8(go_mod).unwrap();
            assert!(
                go_mod.ends_with(&format!("// {}\n", question / 2)),
                "{transport:?} {version}: {go_mod}"
            );
        });
        join_all(questions).await;
    }
}

/// Passes everything to a host, until it has passed on so much of an answer: then nothing moves any more.
pub(crate) fn stalling(host: SocketAddr, after: usize) -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, stalled) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let stalls = Arc::clone(&stalled);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(host).unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            let stalls = Arc::clone(&stalls);
            thread::spawn(move || pass(server, client, after, &stalls));
        }
    });
    (address, stalled)
}

fn pass(mut server: TcpStream, mut client: TcpStream, after: usize, stalls: &AtomicBool) {
    let (mut buffer, mut passed) = (vec![0; 16 << 10], 0);
    while let Ok(read @ 1..) = server.read(&mut buffer) {
        if client.write_all(&buffer[..read]).is_err() {
            return;
        }
        passed += read;
        if passed > after {
            stalls.store(true, Ordering::Relaxed);
            // For as long as the test runs; the client is gone before.
            thread::park();
        }
    }
}

/// A repository that does not compress, and is large enough to be caught in the middle.
pub(crate) fn large(repository: &Repository) {
    let mut noise = vec![0; 4 << 20];
    let mut state = 1_u64;
    for byte in &mut noise {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    let mut tree = commit(1);
    for (number, noise) in noise.chunks(64 << 10).enumerate() {
        tree = tree.file(&format!("noise/{number}"), noise.to_vec());
    }
    repository.tag("v1.0.0", &repository.commit("main", &tree));
}

/// Run by [`a_process_that_was_killed_leaves_nothing_behind`] as a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn fetches_until_it_is_killed() {
    if variable("STOA_TEST_CACHE").is_none() {
        return; // Among the other tests it has nothing to fetch.
    }
    let setting = |name: &str| variable(name).unwrap();
    let transport = if setting("STOA_TEST_TRANSPORT") == "BuiltIn" {
        TransportChoice::BuiltIn
    } else {
        TransportChoice::Command
    };
    let git = open(settings(Path::new(&setting("STOA_TEST_CACHE")), transport));
    let _never = fetch(&git, &source(&setting("STOA_TEST_URL")), "v1.0.0").await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is how the two halves of a test speak"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_killed_leaves_nothing_behind() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    large(&house.host.repository("r"));
    for transport in BOTH {
        let fresh = house.folder.path().join(format!("fresh-{transport:?}"));
        fetch(&open(settings(&fresh, transport)), &house.source("r"), "v1.0.0")
            .await
            .unwrap();
        let cache = house.folder.path().join(format!("killed-{transport:?}"));
        // The caches of two addresses would be apart, so the address stays and what is behind it changes.
        let (address, stalled) = stalling(house.host.address(), 1 << 20);
        let url = format!("http://{address}/r");
        for _ in 0..2 {
            stalled.store(false, Ordering::Relaxed);
            let mut child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["caches::fetches_until_it_is_killed", "--exact", "--quiet"])
                .env("STOA_TEST_TRANSPORT", format!("{transport:?}"))
                .env("STOA_TEST_CACHE", &cache)
                .env("STOA_TEST_URL", &url)
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap();
            until("the middle of a pack", || stalled.load(Ordering::Relaxed)).await;
            until("a half-written pack", || size_of(&cache) > 256 << 10).await;
            child.kill().unwrap();
            child.wait().unwrap();
        }
        // The same folder, for the host behind the relay: the cache of its address moves there.
        let of = |cache: &Path| single_folder(&cache.join("git"));
        let name = of(&fresh).file_name().unwrap().to_owned();
        fs::rename(of(&cache), cache.join("git").join(name)).unwrap();
        let git = open(settings(&cache, transport));
        fetch(&git, &house.source("r"), "v1.0.0").await.unwrap();
        let (grown, whole) = (size_of(&cache), size_of(&fresh));
        assert!(
            grown < whole + (64 << 10),
            "{transport:?}: {grown} bytes instead of {whole}"
        );
    }
}

/// The only cache in a folder of caches.
fn single_folder(caches: &Path) -> PathBuf {
    let folders = fs::read_dir(caches).unwrap().map(|entry| entry.unwrap().path());
    let mut folders = folders.filter(|folder| !folder.ends_with("scratch.git"));
    let folder = folders.next().unwrap();
    assert_eq!(folders.next(), None);
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caches_of_longest_no_use_go_first_and_none_in_use() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let folder = house.folder.path().join("caches");
    let git = open(settings(&folder, TransportChoice::Command));
    let (mut sizes, mut caches) = (Vec::new(), Vec::<PathBuf>::new());
    for name in ["oldest", "old", "new"] {
        large(&house.host.repository(name));
        fetch(&git, &house.source(name), "v1.0.0").await.unwrap();
        let folders = fs::read_dir(folder.join("git"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let made: Vec<_> = folders.filter(|folder| !caches.contains(folder)).collect();
        sizes.push(size_of(&made[0]));
        caches.extend(made);
    }
    drop(git);
    let now = SystemTime::now();
    for (cache, hours) in caches.iter().zip([3, 2, 1]) {
        let used = File::options().write(true).open(cache.join("used")).unwrap();
        used.set_modified(now - Duration::from_secs(hours * 3600))
            .unwrap();
    }
    // Somebody, perhaps another process, writes the oldest.
    let writing = File::create(caches[0].join("lock")).unwrap();
    writing.lock().unwrap();
    let mut room = settings(&folder, TransportChoice::Command);
    room.cache_limit = sizes.iter().sum::<u64>() - 1;
    let there = |caches: &[PathBuf]| caches.iter().map(|cache| cache.exists()).collect::<Vec<_>>();
    open(room.clone());
    assert_eq!(there(&caches), [true, false, true]);
    drop(writing);
    room.cache_limit = sizes[2];
    open(room);
    assert_eq!(there(&caches), [false, false, true]);
}

/// The only cache below a folder.
fn cache_in(folder: &Path) -> PathBuf {
    let caches: Vec<_> = fs::read_dir(folder.join("git"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("used").exists())
        .collect();
    assert_eq!(caches.len(), 1, "{caches:?}");
    caches[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sweeper_left_behind_or_half_a_cache_is_no_obstacle() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    versions(&house.host.repository("r"), 3);
    for transport in BOTH {
        let folder = house.folder.path().join(format!("left-{transport:?}"));
        let git = open(settings(&folder, transport));
        fetch(&git, &house.source("r"), "v1.1.0").await.unwrap();
        drop(git);
        // A sweeper was killed after it had taken a cache away, and somebody removed what they took for rubbish.
        let cache = cache_in(&folder);
        let trash = folder.join("git/trash-1-0");
        fs::create_dir_all(trash.join("objects.git")).unwrap();
        fs::remove_dir_all(cache.join("objects.git/objects")).unwrap();
        fs::remove_dir_all(cache.join("objects.git/refs")).unwrap();
        let git = open(settings(&folder, transport));
        assert!(!trash.exists());
        for version in ["v1.1.0", "v1.2.0"] {
            let fetched = fetch(&git, &house.source("r"), version).await;
            assert!(fetched.is_ok(), "{transport:?} {version}: {fetched:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_uses_is_not_swept() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    versions(&house.host.repository("r"), 1);
    let folder = house.folder.path().join("used");
    fetch(
        &open(settings(&folder, TransportChoice::BuiltIn)),
        &house.source("r"),
        "v1.0.0",
    )
    .await
    .unwrap();
    let cache = cache_in(&folder);
    let mut none = settings(&folder, TransportChoice::BuiltIn);
    none.cache_limit = 0;
    let reading = File::open(cache.join("used")).unwrap();
    reading.lock_shared().unwrap();
    open(none.clone());
    assert!(cache.exists());
    drop(reading);
    open(none);
    assert!(!cache.exists());
}

/// Packs and folders that are gone come again, whichever part of a cache they were of.
#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_lost_some_of_what_it_had_gets_it_again() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    versions(&repository, 3);
    let below = repository.hash("v1.1.0~1");
    for number in 0..3 {
        repository.remove(&format!("refs/tags/v1.{number}.0"));
    }
    repository.tag("v1.0.0", &repository.hash("main"));
    for transport in BOTH {
        for lost in [
            "objects.git/objects",
            "objects.git/objects/pack",
            "objects.git/refs",
            "objects.git/HEAD",
            "history.git/objects",
            "history.git/objects/pack",
            "history.git/refs",
            "history.git/HEAD",
        ] {
            let folder = house.folder.path().join(format!("lost-{transport:?}"));
            let git = open(settings(&folder, transport));
            resolve(&git, &house.source("r"), &below).await.unwrap();
            fetch(&git, &house.source("r"), "v1.0.0").await.unwrap();
            drop(git);
            let lost_part = cache_in(&folder).join(lost);
            if lost_part.is_dir() {
                fs::remove_dir_all(lost_part).unwrap();
            } else {
                fs::remove_file(lost_part).unwrap();
            }
            let git = open(settings(&folder, transport));
            let fetched = fetch(&git, &house.source("r"), "v1.0.0").await;
            assert!(fetched.is_ok(), "{transport:?} without {lost}: {fetched:?}");
            let resolved = resolve(&git, &house.source("r"), &below).await;
            assert!(resolved.is_ok(), "{transport:?} without {lost}: {resolved:?}");
            fs::remove_dir_all(&folder).unwrap();
        }
    }
}
