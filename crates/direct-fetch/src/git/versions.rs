//! The versions a repository's tags make, and what the newest of them takes back.

use super::{folder, naming::Named, objects::Objects, place::Place, refs::Refs};
use gix::ObjectId;
use proxy_core::{
    go_mod::GoMod,
    module::{Version, pseudo::is_pseudo, semver},
    upstream::UpstreamError,
};
use std::{cmp::Ordering, collections::BTreeMap};

/// The versions of a module, lowest first, those with `+incompatible` last.
///
/// A tag counts if what follows the module's prefix is a canonical version and no pseudo-version. Nothing is checked
/// against a `go.mod`, but for versions of v2 and above whose path says nothing of it: those count, as
/// `+incompatible`, only if the highest of their major version has no `go.mod`, and only while the module has no
/// higher version with one (Go modules reference, "+incompatible versions"). Only to decide that are objects needed.
pub(super) fn list(objects: &dyn Objects, place: &Place, refs: &Refs) -> Result<Vec<Version>, UpstreamError> {
    list_below(objects, place, refs, None)
}

/// The same of those tags alone that begin like this (`v1`, `v1.2`): of the others nothing is decided by.
fn list_below(
    objects: &dyn Objects,
    place: &Place,
    refs: &Refs,
    prefix: Option<&str>,
) -> Result<Vec<Version>, UpstreamError> {
    if place.major().ends_with("-unstable") {
        return Ok(Vec::new());
    }
    let (mut versions, mut candidates) = (Vec::new(), BTreeMap::<String, Vec<(Version, ObjectId)>>::new());
    let begins = |version: &str| match prefix {
        Some(prefix) => version
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('.')),
        None => true,
    };
    for (version, id) in tagged(place, refs).filter(|(version, _)| begins(version.as_str())) {
        if place.fits(version.as_str()) {
            versions.push((version, id));
        } else if place.may_be_incompatible() && !matches!(version.major(), "v0" | "v1") {
            let major = version.major().to_owned();
            candidates.entry(major).or_default().push((version, id));
        }
    }
    versions.sort();
    let without_go_mod =
        |id: ObjectId| -> Result<bool, UpstreamError> { Ok(objects.file(id, "go.mod")?.is_none()) };
    let may_have_incompatible = match versions.last() {
        _ if candidates.is_empty() => false,
        Some((_, highest)) => without_go_mod(*highest)?,
        None => true,
    };
    let mut incompatible = Vec::new();
    if may_have_incompatible {
        for of_major in candidates.values_mut() {
            of_major.sort();
            if let Some((_, highest)) = of_major.last()
                && without_go_mod(*highest)?
            {
                let names = of_major
                    .iter()
                    .map(|(version, _)| format!("{version}+incompatible"));
                incompatible.extend(names.filter_map(|name| Version::parse(&name).ok()));
            }
        }
        incompatible.sort();
    }
    Ok(versions
        .into_iter()
        .map(|(version, _)| version)
        .chain(incompatible)
        .collect())
}

/// The canonical versions among a module's tags, and what each is put on.
fn tagged<'a>(place: &Place, refs: &'a Refs) -> impl Iterator<Item = (Version, ObjectId)> + 'a {
    let prefix = place.tag_prefix();
    refs.tags.iter().filter_map(move |(tag, id)| {
        let name = tag.strip_prefix(&prefix)?;
        let plain = semver::build(name) == Some("") && !is_pseudo(name);
        Some((Version::parse(name).ok().filter(|_| plain)?, *id))
    })
}

/// What the `go.mod` of a module's highest version takes back (its `retract` lines); nothing, where there is none or
/// it cannot be understood.
pub(super) fn retractions(
    objects: &dyn Objects,
    place: &Place,
    refs: &Refs,
) -> Result<Option<GoMod>, UpstreamError> {
    let list = list(objects, place, refs)?;
    let compatible = list.iter().take_while(|version| !version.is_incompatible());
    let Some(highest) = compatible.max_by_key(|version| (!version.is_prerelease(), *version)) else {
        return Ok(None);
    };
    let tag = format!("{}{highest}", place.tag_prefix());
    let Some(commit) = refs.tags.get(&tag) else {
        return Ok(None);
    };
    match folder::find(objects, place, *commit) {
        Ok(found) => Ok(found.go_mod.and_then(|go_mod| GoMod::parse(&go_mod).ok())),
        Err(UpstreamError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether what stands at `HEAD` is retracted: by the highest version or, where there is no other, by itself.
pub(super) fn takes_back(
    objects: &dyn Objects,
    place: &Place,
    refs: &Refs,
    head: &Named,
) -> Result<bool, UpstreamError> {
    let taken_back = if list(objects, place, refs)?.is_empty() {
        let own = head.folder.go_mod.as_ref();
        own.and_then(|go_mod| GoMod::parse(go_mod).ok())
    } else {
        retractions(objects, place, refs)?
    };
    Ok(taken_back.is_some_and(|go_mod| go_mod.retracts(head.version.as_str())))
}

/// The version that `latest` means (no prefix), or that `v1` or `v1.2` does, if it is one of the list: the highest
/// release, else the highest pre-release, that was not taken back. Where a compatible version has a `go.mod`,
/// `+incompatible` ones are no choice, unless the prefix names their major version.
pub(super) fn highest(
    objects: &dyn Objects,
    place: &Place,
    refs: &Refs,
    prefix: Option<&str>,
) -> Result<Option<Version>, UpstreamError> {
    let mut list = list_below(objects, place, refs, prefix)?;
    if let Some(taken_back) = retractions(objects, place, refs)? {
        list.retain(|version| !taken_back.retracts(version.as_str()));
    }
    if let Some(prefix) = prefix {
        // `v1` means no version below v1.0.0, such as its own pre-releases.
        list.retain(|version| semver::compare(version.as_str(), prefix) != Ordering::Less);
    }
    let compatible = list.iter().filter(|version| !version.is_incompatible()).count();
    let asks_for_incompatible = prefix.is_some_and(|prefix| !place.fits(prefix));
    if compatible < list.len()
        && !asks_for_incompatible
        && let Some(last) = compatible.checked_sub(1).and_then(|index| list.get(index))
        && let Some(commit) = refs.tags.get(&format!("{}{last}", place.tag_prefix()))
        && objects.file(*commit, "go.mod")?.is_some()
    {
        list.truncate(compatible);
    }
    Ok(list
        .into_iter()
        .max_by(|a, b| (!a.is_prerelease(), a).cmp(&(!b.is_prerelease(), b))))
}

/// Whether a query is the beginning of a version: `v1`, `v1.2`.
pub(super) fn is_prefix(query: &str) -> bool {
    semver::is_valid(query) && query.split('.').count() < 3 && !query.contains(['-', '+'])
}
