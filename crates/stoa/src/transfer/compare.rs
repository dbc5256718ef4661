//! Whether a file is the same in two stores that both have it.

use super::{Complaint, Source, Target, failed, receive};
use bytes::Bytes;
use proxy_core::{
    file::{Kind, ModuleFile},
    info::Info,
    records::RecordStore,
    seen::{self, Sight},
    store::ModuleStoreExt,
    verify::Unverified,
};

/// What a comparison found.
pub(super) enum Comparison {
    /// The same bytes, or the same module in other bytes.
    Same,
    /// Another file, as a phrase.
    Differs(String),
}

/// Compares by the records of first sight where both stores have one, else by the bytes.
pub(super) async fn compare(
    source: &Source,
    target: &Target,
    file: &ModuleFile,
) -> Result<Comparison, Complaint> {
    let ours = match &source.records {
        Some(records) => sight(&**records, file).await?,
        None => None,
    };
    let theirs = sight(&*target.ingest.records, file).await?;
    if let (Some(ours), Some(theirs)) = (&ours, &theirs)
        && ours.sha256 == theirs.sha256
    {
        return Ok(Comparison::Same);
    }
    match file.kind {
        Kind::Info => infos(source, target, file).await,
        Kind::Mod => {
            let same = small(source, target, file).await?.is_none();
            Ok(if same {
                Comparison::Same
            } else {
                Comparison::Differs("another go.mod".into())
            })
        }
        Kind::Zip => zips(source, target, file, ours, theirs).await,
    }
}

/// Two `.info` files say the same if they name the same time and commit: upstreams write them in different ways.
async fn infos(source: &Source, target: &Target, file: &ModuleFile) -> Result<Comparison, Complaint> {
    let Some((ours, theirs)) = small(source, target, file).await? else {
        return Ok(Comparison::Same);
    };
    let (Ok(ours), Ok(theirs)) = (Info::parse(&ours), Info::parse(&theirs)) else {
        return Ok(Comparison::Differs("one of them is no .info".into()));
    };
    let commit = |info: &Info| info.origin.as_ref().and_then(|origin| origin.hash.clone());
    Ok(match (commit(&ours), commit(&theirs)) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            Comparison::Differs(format!("commit {ours} in the source, {theirs} in the target"))
        }
        _ if ours.time != theirs.time => Comparison::Differs("another time".into()),
        _ => Comparison::Same,
    })
}

/// The bytes on both sides, if they differ.
async fn small(
    source: &Source,
    target: &Target,
    file: &ModuleFile,
) -> Result<Option<(Bytes, Bytes)>, Complaint> {
    let ours = source
        .modules
        .read(file)
        .await
        .map_err(|error| failed(file, &error))?;
    let theirs = target
        .ingest
        .store
        .read(file)
        .await
        .map_err(|error| failed(file, &error))?;
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => Ok((ours != theirs).then_some((ours, theirs))),
        _ => Err(Complaint::Failed(format!(
            "{file} went away while it was compared"
        ))),
    }
}

/// A module zipped by somebody else has other bytes and the same `h1:` sum.
async fn zips(
    source: &Source,
    target: &Target,
    file: &ModuleFile,
    ours: Option<Sight>,
    theirs: Option<Sight>,
) -> Result<Comparison, Complaint> {
    let sums = |sight: &Option<Sight>| sight.as_ref().and_then(|sight| sight.h1);
    if let (Some(ours), Some(theirs)) = (sums(&ours), sums(&theirs)) {
        return Ok(if ours == theirs {
            Comparison::Same
        } else {
            Comparison::Differs(format!("its sum is {ours} in the source, {theirs} in the target"))
        });
    }
    let ours = receive(&*source.modules, target, file).await?;
    let kept = match &theirs {
        Some(sight) => sight.sha256,
        None => receive(&*target.ingest.store, target, file).await?.sha256(),
    };
    if ours.sha256() == kept {
        return Ok(Comparison::Same);
    }
    // Other bytes: held against the sums that the target knows, as if they were to be kept.
    let ingest = &target.ingest;
    let verified = Unverified::new(file.clone(), ours)
        .verify(&*ingest.store, &*ingest.records, &*ingest.checksums)
        .await;
    Ok(match (verified, sums(&theirs)) {
        (Ok(verified), Some(theirs)) if verified.h1() == Some(theirs) => Comparison::Same,
        (Ok(_), _) => Comparison::Differs("a zip of other bytes".into()),
        (Err(error), _) => Comparison::Differs(error.to_string()),
    })
}

async fn sight(records: &dyn RecordStore, file: &ModuleFile) -> Result<Option<Sight>, Complaint> {
    seen::read(records, &file.module, file.kind)
        .await
        .map_err(|error| failed(file, &error))
}
