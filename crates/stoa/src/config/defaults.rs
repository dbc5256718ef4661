//! The defaults that are found where the server runs.

use super::{
    address::Listen,
    environment::Environment,
    go_command::GoCommand,
    go_syntax::{chain, write_chain},
    value::Source,
};
use proxy_core::upstream::chain::Entry;
use std::net::IpAddr;
use url::{Host, Url};

/// The chain that holds when nobody names one: what GOPROXY says here, without entries that name this server, since
/// people type the line it prints on the machine it runs on.
pub(crate) fn upstream_chain(
    environment: &Environment,
    go: &dyn GoCommand,
    own: &Listen,
) -> (String, Source) {
    let (list, from) = if let Some(list) = environment.get("GOPROXY") {
        (list.to_owned(), "GOPROXY of the environment")
    } else if let Some(list) = go.setting("GOPROXY") {
        (list, "`go env GOPROXY`")
    } else {
        return (
            "direct".into(),
            Source::Found("there is no `go` command to ask".into()),
        );
    };
    let Ok(entries) = chain(&list) else {
        return (list, Source::Found(from.into())); // the check of all values will say what is wrong with it
    };
    let others: Vec<_> = entries
        .iter()
        .filter(|(entry, _)| !names(entry, own))
        .cloned()
        .collect();
    if others.len() == entries.len() {
        (list, Source::Found(from.into()))
    } else if !others.is_empty() {
        (
            write_chain(&others),
            Source::Found(format!("{from}, without this server's own address")),
        )
    } else if let Some(list) = go.proxy_by_default() {
        let how = format!("{from} names only this server, so what `go` has built in");
        (list, Source::Found(how))
    } else {
        let how = format!("{from} names only this server, and there is no `go` command to ask");
        ("direct".into(), Source::Found(how))
    }
}

/// The checksum database that holds when nobody names one.
pub(crate) fn checksum_database(environment: &Environment, go: &dyn GoCommand) -> (String, Source) {
    if let Some(database) = environment.get("GOSUMDB") {
        (
            database.into(),
            Source::Found("GOSUMDB of the environment".into()),
        )
    } else if let Some(database) = go.setting("GOSUMDB") {
        (database, Source::Found("`go env GOSUMDB`".into()))
    } else {
        ("sum.golang.org".into(), Source::Default)
    }
}

/// Whether an entry of the list is this server: the same port, and a host by which this machine reaches it.
fn names(entry: &Entry, own: &Listen) -> bool {
    let (
        Entry::Proxy(address),
        Listen::Tcp {
            host: own_host,
            port: own_port,
        },
    ) = (entry, own)
    else {
        return false;
    };
    let Ok(url) = Url::parse(address) else {
        return false;
    };
    let Some(host) = url.host() else { return false };
    if url.port_or_known_default() != Some(*own_port) {
        return false;
    }
    let own_address = own_host.parse::<IpAddr>().ok();
    // Every address of 127.0.0.0/8 is this machine, and so is the unspecified address when it is connected to.
    let is_here = match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback() || address.is_unspecified(),
        Host::Ipv6(address) => address.is_loopback() || address.is_unspecified(),
    };
    let listens_here = own_host == "localhost"
        || own_address.is_some_and(|address| address.is_loopback() || address.is_unspecified());
    let same_host = match host {
        Host::Domain(name) => name.eq_ignore_ascii_case(own_host),
        Host::Ipv4(address) => own_address == Some(IpAddr::V4(address)),
        Host::Ipv6(address) => own_address == Some(IpAddr::V6(address)),
    };
    same_host || (is_here && listens_here)
}

#[cfg(test)]
mod tests;
