//! What is still true through another handle, and after the first is gone.

use super::{
    Place, Samples,
    naming::versions,
    reading::{assert_kept, whole},
};
use crate::{file::Kind, store::Inserted, verify::Verified};

pub(super) async fn a_reopened_store_has_everything(place: &dyn Place) {
    let samples = Samples::new();
    let mut files: Vec<Verified> = Vec::new();
    for number in 0..5 {
        let module = Samples::module("example.com/m", &format!("v1.0.{number}"));
        files.push(samples.info(&module, number).await);
        files.push(samples.go_mod(&module, number, 1000 << (number * 2)).await);
        files.push(samples.zip(&module, number, 1000 << (number * 2)).await);
    }
    let store = place.open().await;
    for file in &files {
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
    }
    drop(store);
    for _ in 0..2 {
        let reopened = place.open().await;
        for file in &files {
            assert_kept(&*reopened, file).await;
            assert_eq!(reopened.insert(file.clone()).await.unwrap(), Inserted::Same);
        }
        let all = ["v1.0.0", "v1.0.1", "v1.0.2", "v1.0.3", "v1.0.4"];
        assert_eq!(versions(&*reopened, "example.com/m").await, all);
    }
}

/// No handle remembers absence: another process may insert the file at any moment.
pub(super) async fn what_one_handle_inserts_the_other_opens(place: &dyn Place) {
    let samples = Samples::new();
    let stores = [place.open().await, place.open().await];
    for (number, kind) in (0..8).flat_map(|number| Kind::ALL.map(|kind| (number, kind))) {
        let module = Samples::module("example.com/m", &format!("v1.0.{number}"));
        let file = samples.of_kind(&module, kind, 0).await;
        let (one, other) = (&stores[number % 2], &stores[(number + 1) % 2]);
        assert_eq!(whole(&**other, file.file()).await, None);
        let listed = versions(&**other, "example.com/m").await.len();
        assert_eq!(one.insert(file.clone()).await.unwrap(), Inserted::New);
        assert_kept(&**other, &file).await;
        let more = usize::from(kind == Kind::Info);
        assert_eq!(
            versions(&**other, "example.com/m").await.len(),
            listed + more,
            "{}",
            file.file()
        );
    }
}
