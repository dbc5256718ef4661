//! What `open` gives.

use super::{Place, Samples};
use crate::{
    file::{Kind, ModuleFile},
    store::{Content, Inserted, ModuleStore, Part, Validator},
    verify::Verified,
};
use bytes::Bytes;
use futures::TryStreamExt;

pub(super) async fn a_file_never_inserted_is_none(place: &dyn Place) {
    let store = place.open().await;
    let module = Samples::module("example.com/m", "v1.0.0");
    for kind in Kind::ALL {
        let file = ModuleFile::new(module.clone(), kind);
        for part in [
            Part::Whole,
            Part::Nothing,
            Part::From(0),
            Part::Last(1),
            Part::Span { first: 0, last: 9 },
        ] {
            assert!(
                store.open(&file, part).await.unwrap().is_none(),
                "{file} {part:?}"
            );
        }
    }
    assert_eq!(store.versions(module.path()).await.unwrap(), []);
}

pub(super) async fn an_inserted_file_reads_back(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    for kind in Kind::ALL {
        let file = samples.of_kind(&module, kind, 0).await;
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
        assert_kept(&*store, &file).await;
        let look = store
            .open(file.file(), Part::Nothing)
            .await
            .unwrap()
            .expect("it was inserted");
        assert_eq!(
            (look.size, look.range.clone()),
            (file.body().size(), 0..0),
            "a look at {}",
            file.file()
        );
        assert_eq!(read(look).await, "");
    }
    assert_eq!(
        store.versions(module.path()).await.unwrap(),
        [module.version().clone()]
    );
}

pub(super) async fn every_part_is_the_part_asked_for(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    for file in [
        samples.info(&module, 0).await,
        samples.go_mod(&module, 0, 300_000).await,
    ] {
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
        let (whole, size) = (bytes_of(&file), file.body().size());
        let places = [0, 1, size / 2, size - 1, size, size + 1, u64::MAX];
        let mut parts: Vec<Part> = places
            .map(Part::From)
            .into_iter()
            .chain(places.map(Part::Last))
            .collect();
        for (at, first) in places.into_iter().enumerate() {
            parts.extend(places[at..].iter().map(|last| Part::Span { first, last: *last }));
        }
        for part in parts {
            let content = store
                .open(file.file(), part)
                .await
                .unwrap()
                .expect("it was inserted");
            assert_eq!(
                (content.size, content.range.clone()),
                (size, part.of(size)),
                "{part:?} of {size}"
            );
            let range = content.range.start as usize..content.range.end as usize;
            assert!(
                read(content).await == whole[range],
                "{part:?} of {size}: other bytes"
            );
        }
    }
}

pub(super) async fn files_of_every_size_read_back(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    // One to each side of what disks, readers and tables like to cut at.
    let cuts = [4 << 10, 8 << 10, 64 << 10, 256 << 10, 512 << 10, 1 << 20];
    for (number, size) in cuts
        .into_iter()
        .flat_map(|cut| [cut - 1, cut, cut + 1])
        .enumerate()
    {
        let file = samples
            .go_mod(
                &Samples::module("example.com/m", &format!("v1.0.{number}")),
                0,
                size,
            )
            .await;
        assert_eq!(file.body().size(), size as u64);
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
        assert_kept(&*store, &file).await;
    }
}

pub(super) async fn a_file_has_one_validator(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    for file in [
        samples.info(&module, 0).await,
        samples.go_mod(&module, 0, 300_000).await,
    ] {
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
        let mut seen: Vec<Option<Validator>> = Vec::new();
        for handle in [&store, &store, &place.open().await] {
            for part in [Part::Nothing, Part::Whole, Part::From(1), Part::Last(1)] {
                seen.push(
                    handle
                        .open(file.file(), part)
                        .await
                        .unwrap()
                        .expect("it was inserted")
                        .validator,
                );
            }
        }
        assert!(
            seen.iter().all(|validator| *validator == seen[0]),
            "{} has several validators: {seen:?}",
            file.file()
        );
        let text = seen[0].as_ref().map_or("none", |validator| &validator.0);
        let tag = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
        assert!(
            !text.is_empty() && text.bytes().all(tag),
            "no entity tag can hold {text:?}"
        );
    }
}

/// All bytes of what was opened. They come as a stream, as they do for a client.
pub(super) async fn read(content: Content) -> Bytes {
    let length = content.range.end - content.range.start;
    let chunks: Vec<Bytes> = content
        .into_stream()
        .try_collect()
        .await
        .expect("what was opened can be read");
    let bytes = chunks.concat();
    assert_eq!(bytes.len() as u64, length, "the bytes are not those of the range");
    bytes.into()
}

/// A whole file, or `None`.
pub(super) async fn whole(store: &dyn ModuleStore, file: &ModuleFile) -> Option<Bytes> {
    let content = store
        .open(file, Part::Whole)
        .await
        .expect("a store that works can be read")?;
    assert_eq!(content.range, 0..content.size, "not the whole of {file}");
    Some(read(content).await)
}

pub(super) async fn assert_kept(store: &dyn ModuleStore, file: &Verified) {
    let kept = whole(store, file.file()).await;
    let kept = kept.unwrap_or_else(|| panic!("{} was inserted and is not there", file.file()));
    assert!(
        kept == bytes_of(file),
        "{} has other bytes than were inserted",
        file.file()
    );
}

pub(super) fn bytes_of(file: &Verified) -> Bytes {
    file.body().read_to_bytes().expect("a sample's bytes can be read")
}
