//! Where the evidence comes from: a real store and its records, and an authority made to order.

use super::*;
use crate::{
    file::Sha256,
    module::{ModulePath, ModuleVersion, Version},
    seen::{self, Sight},
    spool::Spool,
    store::{Inserted, MemoryStore},
    sums::Sums,
    zip::{Writer, from_files},
};
use async_trait::async_trait;

const GO_MOD: &str = "module example.test/m\n";

fn module() -> ModuleVersion {
    let path = ModulePath::parse("example.test/m").unwrap();
    ModuleVersion::new(path, Version::parse("v1.0.0").unwrap()).unwrap()
}

fn file(kind: Kind) -> ModuleFile {
    ModuleFile::new(module(), kind)
}

fn zip() -> Body {
    Body::from_bytes(from_files(&module(), [("go.mod", GO_MOD.as_bytes())]).unwrap())
}

fn go_mod() -> Body {
    Body::from_bytes(GO_MOD)
}

/// Speaks for every module, or for none.
#[derive(Debug)]
enum Authority {
    Silent,
    Says(Option<Sums>),
    Away,
}

#[async_trait]
impl ChecksumAuthority for Authority {
    fn name(&self) -> &str {
        "sum.example.test"
    }
    fn speaks_for(&self, _path: &ModulePath) -> bool {
        !matches!(self, Self::Silent)
    }
    async fn sums(&self, _module: &ModuleVersion) -> Result<Option<Sums>, ChecksumError> {
        match self {
            Self::Silent => panic!("it was asked without being responsible"),
            Self::Says(sums) => Ok(*sums),
            Self::Away => {
                let name = self.name().to_owned();
                Err(ChecksumError::Unavailable {
                    name,
                    reason: "it sleeps".to_owned(),
                })
            }
        }
    }
}

async fn verify(
    store: &MemoryStore,
    authority: &Authority,
    kind: Kind,
    body: Body,
) -> Result<Verified, VerifyError> {
    Unverified::new(file(kind), body)
        .verify(store, store, authority)
        .await
}

async fn with_go_mod() -> MemoryStore {
    let store = MemoryStore::new();
    let verified = verify(&store, &Authority::Silent, Kind::Mod, go_mod())
        .await
        .unwrap();
    assert_eq!(store.insert(verified).await.unwrap(), Inserted::New);
    store
}

async fn note(store: &MemoryStore, kind: Kind, sha256: Sha256, h1: Option<H1>) {
    let sight = Sight {
        size: 1,
        sha256,
        h1,
        when: jiff::Timestamp::UNIX_EPOCH,
        from: String::new(),
        commit: None,
    };
    seen::note(store, &module(), kind, sight).await.unwrap();
}

#[tokio::test]
async fn a_zip_is_held_against_the_mod_that_the_store_holds() {
    let refused = verify(&MemoryStore::new(), &Authority::Silent, Kind::Zip, zip()).await;
    assert!(matches!(refused, Err(VerifyError::NoGoMod(_))), "{refused:?}");

    let store = with_go_mod().await;
    let verified = verify(&store, &Authority::Silent, Kind::Zip, zip())
        .await
        .unwrap();
    assert_eq!(verified.file(), &file(Kind::Zip));
    assert_eq!(verified.body().sha256(), zip().sha256());
    assert!(verified.h1().is_some());

    let other = from_files(&module(), [("go.mod", &b"module example.test/m // other\n"[..])]).unwrap();
    let refused = verify(&store, &Authority::Silent, Kind::Zip, Body::from_bytes(other)).await;
    assert!(matches!(refused, Err(VerifyError::Invalid { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_database_that_speaks_for_the_module_has_the_last_word() {
    let store = with_go_mod().await;
    let zip_sum = verify(&store, &Authority::Silent, Kind::Zip, zip())
        .await
        .unwrap()
        .h1()
        .unwrap();
    let (good, wrong) = (
        Sums {
            zip: zip_sum,
            go_mod: H1::of_go_mod(GO_MOD.as_bytes()),
        },
        H1::of_go_mod(b"wrong"),
    );
    // The record of the first sight does not count then.
    let seen = MemoryStore::new();
    note(&seen, Kind::Mod, go_mod().sha256(), Some(wrong)).await;
    verify(&seen, &Authority::Says(Some(good)), Kind::Mod, go_mod())
        .await
        .unwrap();

    for (kind, body, sums) in [
        (
            Kind::Mod,
            go_mod(),
            Sums {
                go_mod: wrong,
                ..good
            },
        ),
        (Kind::Zip, zip(), Sums { zip: wrong, ..good }),
    ] {
        verify(&store, &Authority::Says(Some(good)), kind, body.clone())
            .await
            .unwrap();
        let refused = verify(&store, &Authority::Says(Some(sums)), kind, body.clone()).await;
        let Err(VerifyError::SumMismatch {
            expected, authority, ..
        }) = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!((expected, &*authority), (wrong, "sum.example.test"));
        let unknown = verify(&store, &Authority::Says(None), kind, body.clone()).await;
        assert!(
            matches!(
                unknown,
                Err(VerifyError::Checksums(ChecksumError::Unknown { .. }))
            ),
            "{unknown:?}"
        );
        let away = verify(&store, &Authority::Away, kind, body).await;
        assert!(
            matches!(
                away,
                Err(VerifyError::Checksums(ChecksumError::Unavailable { .. }))
            ),
            "{away:?}"
        );
    }
    // A .info has no sum, but its version must be known.
    let info = || Body::from_bytes(r#"{"Version":"v1.0.0"}"#);
    let known = verify(&store, &Authority::Says(Some(good)), Kind::Info, info()).await;
    assert_eq!(known.unwrap().h1(), None);
    for (authority, unknown) in [(Authority::Says(None), true), (Authority::Away, false)] {
        let refused = verify(&store, &authority, Kind::Info, info()).await;
        let Err(VerifyError::Checksums(error)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(
            matches!(error, ChecksumError::Unknown { .. }),
            unknown,
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_database_that_is_away_may_be_asked_later() {
    let store = with_go_mod().await;
    let pending = crate::checksums::Pending::new(Arc::new(store.clone()));
    let patient = |authority| crate::checksums::FirstSight::new(Arc::new(authority), pending.clone());
    let verify = async |authority, kind, body| {
        Unverified::new(file(kind), body)
            .verify(&store, &store, &patient(authority))
            .await
    };
    verify(Authority::Away, Kind::Zip, zip()).await.unwrap();
    assert_eq!(pending.here(), [module()]);
    // A toolchain runs as soon as it is there: what nobody vouched for yet is not kept.
    let toolchain = ModuleVersion::parse(crate::checksums::TOOLCHAIN, "v0.0.1-go1.99.0.linux-amd64").unwrap();
    assert!(!patient(Authority::Away).postpone(&toolchain).await.unwrap());
    assert_eq!(pending.here(), [module()]);
    // Whatever is wrong otherwise is refused as ever, and what was recorded first holds.
    note(&store, Kind::Zip, zip().sha256(), Some(H1::of_go_mod(b"wrong"))).await;
    let refused = verify(Authority::Away, Kind::Zip, zip()).await;
    assert!(
        matches!(refused, Err(VerifyError::SeenOtherwise { .. })),
        "{refused:?}"
    );
    let refused = verify(Authority::Says(None), Kind::Zip, zip()).await;
    assert!(matches!(refused, Err(VerifyError::Checksums(_))), "{refused:?}");
}

#[tokio::test]
async fn a_version_that_was_contradicted_never_comes_back() {
    let store = with_go_mod().await;
    let (kept, proven) = (H1::of_go_mod(b"kept"), H1::of_go_mod(b"proven"));
    let contradiction = Contradiction {
        kind: Kind::Zip,
        kept,
        proven,
        authority: "sum.example.test".to_owned(),
    };
    seen::condemn(&store, &module(), &contradiction).await.unwrap();
    for (kind, body) in [(Kind::Zip, zip()), (Kind::Mod, go_mod())] {
        let refused = verify(&store, &Authority::Silent, kind, body).await.unwrap_err();
        let sentence = refused.to_string();
        for part in [
            kept.to_string(),
            proven.to_string(),
            "example.test/m@v1.0.0 is refused for good".to_owned(),
        ] {
            assert!(sentence.contains(&part), "{sentence}");
        }
    }
}

#[tokio::test]
async fn without_a_database_the_first_sight_counts() {
    let wrong = H1::of_go_mod(b"wrong");
    for kind in [Kind::Mod, Kind::Zip] {
        let store = with_go_mod().await;
        let body = if kind == Kind::Mod { go_mod() } else { zip() };
        note(&store, kind, body.sha256(), Some(wrong)).await;
        let refused = verify(&store, &Authority::Silent, kind, body).await;
        let Err(VerifyError::SeenOtherwise { kept, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(kept, wrong);
    }
}

#[tokio::test]
async fn other_bytes_with_the_same_sum_lose_a_race_but_do_not_replace_what_was_lost() {
    let store = with_go_mod().await;
    let zipped_by_us = verify(&store, &Authority::Silent, Kind::Zip, zip())
        .await
        .unwrap();
    let mut by_somebody_else = zip().bytes().unwrap().to_vec();
    by_somebody_else[10] ^= 1; // the time of an entry
    let by_somebody_else = Body::from_bytes(by_somebody_else);
    note(&store, Kind::Zip, zipped_by_us.body().sha256(), zipped_by_us.h1()).await;

    // The record says it was kept, and it is gone: only the same bytes come back.
    let refused = verify(&store, &Authority::Silent, Kind::Zip, by_somebody_else.clone()).await;
    assert!(matches!(refused, Err(VerifyError::Invalid { .. })), "{refused:?}");
    let healed = verify(&store, &Authority::Silent, Kind::Zip, zip())
        .await
        .unwrap();
    assert_eq!(store.insert(healed).await.unwrap(), Inserted::New);

    // Now it is kept, and the other bytes are what racing nodes see every day.
    let raced = verify(&store, &Authority::Silent, Kind::Zip, by_somebody_else)
        .await
        .unwrap();
    assert_eq!(store.insert(raced).await.unwrap(), Inserted::Other);
}

#[tokio::test]
async fn many_large_zips_are_judged_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let mut writer = Writer::new(&module(), spool.writer());
    writer.add("go.mod", GO_MOD.as_bytes()).unwrap();
    writer
        .add(
            "random",
            &*(0..200_000u32)
                .flat_map(|i| i.wrapping_mul(0x9E37_79B9).to_le_bytes())
                .collect::<Vec<_>>(),
        )
        .unwrap();
    let body = writer.finish().unwrap().seal().unwrap();
    assert!(body.bytes().is_none(), "it is in a file");
    let store = with_go_mod().await;
    let checks = (0..20).map(|_| verify(&store, &Authority::Silent, Kind::Zip, body.clone()));
    let sums: Vec<_> = futures::future::join_all(checks)
        .await
        .into_iter()
        .map(|v| v.unwrap().h1())
        .collect();
    assert!(sums.iter().all(|sum| sum.is_some() && *sum == sums[0]));
}
