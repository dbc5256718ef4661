//! Module files in a bucket, on real servers: the promises, and what happens on the way to them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod conformance;
mod links;
mod lost;
mod preflight;
mod reading;
mod tree;

use bytes::Bytes;
use proxy_core::{
    file::ModuleFile,
    module::ModuleVersion,
    store::{Inserted, ModuleStore, ModuleStoreExt, StoreError, conformance::Samples},
    verify::Verified,
};
use storage_s3::BucketStore;

/// All three files of a version, the zip of about so many bytes.
async fn files(samples: &Samples, module: &ModuleVersion, size: u64) -> [Verified; 3] {
    [
        samples.info(module, 0).await,
        samples.go_mod(module, 0, 0).await,
        samples.zip(module, 0, size).await,
    ]
}

async fn insert(store: &BucketStore, file: &Verified) {
    assert_eq!(
        store.insert(file.clone()).await.unwrap(),
        Inserted::New,
        "{}",
        file.file()
    );
}

/// Reads a file; the store reads records too.
async fn read(store: &BucketStore, file: &ModuleFile) -> Result<Option<Bytes>, StoreError> {
    ModuleStoreExt::read(store, file).await
}
