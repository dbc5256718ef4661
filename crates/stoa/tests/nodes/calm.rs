//! While all is well: once for each file, and as soon as it is there.

use crate::{
    crowd::{Crowd, duplicates},
    world::{Shared, modules, upstream_of},
};
use std::time::Duration;
use testkit::{client::get, gate::Gate, module::Module, proxy::Action};

/// Three hundred clients, three nodes, twenty versions: sixty files, and the upstream is asked for each once.
pub(crate) async fn the_upstream_is_asked_once_for_each_file(shared: Shared) {
    let modules = modules();
    let upstream = upstream_of(&modules);
    // Slow enough that everybody has asked before anything is there.
    let gate = Gate::shut();
    upstream.when("*.zip", Action::serve().behind(&gate));
    let nodes = shared.nodes(&upstream);
    let crowd = Crowd::sent_to(&nodes, &modules);
    upstream.wait_for("*.zip", modules.len()).await;
    gate.open();
    let haul = crowd.come_home(&modules).await;
    assert_eq!(
        haul.troubles, 0,
        "nobody fails because another node has the lease"
    );
    haul.check_that_all_serve_it(&nodes, &modules).await;
    for module in &modules {
        for kind in ["info", "mod", "zip"] {
            let asked = upstream.count(&module.url_path(kind));
            assert!(
                asked <= 1,
                "{asked} times for the {kind} of {}: {:?}",
                module.path,
                upstream.paths()
            );
        }
        let asked = upstream.count(&format!("/{}/@v/main.info", module.path));
        assert!(
            asked <= nodes.len(),
            "a branch is asked for by each node once, not {asked} times"
        );
    }
    assert_eq!(duplicates(&upstream, &modules), 0);
}

/// One node is stuck with the zip of a version and keeps the lease: who waits for another file of the version has it as
/// soon as it is stored, by whomever.
pub(crate) async fn a_waiter_has_its_file_as_soon_as_it_is_stored(shared: Shared) {
    let module = Module::new("example.test/stuck", "v1.0.0");
    let upstream = upstream_of(std::slice::from_ref(&module));
    let nodes = shared.nodes(&upstream);
    let gate = Gate::shut();
    let [info, zip] = ["info", "zip"].map(|kind| module.url_path(kind));
    upstream.when(&zip, Action::serve().behind(&gate));
    let ask = |node: usize, path: &str| {
        let url = format!("{}{path}", nodes[node].url());
        tokio::spawn(async move { get(&url).await.unwrap() })
    };
    let stuck = ask(0, &zip);
    upstream.wait_for(&zip, 1).await;
    let mut waits = ask(1, &info);
    assert!(
        tokio::time::timeout(Duration::from_secs(2), &mut waits)
            .await
            .is_err()
    );
    // A branch leads to the `.info` of its version, and needs no lease.
    let branch = ask(2, "/example.test/stuck/@v/main.info").await.unwrap();
    assert_eq!(branch.status, 200, "{}", branch.text());
    assert_eq!(waits.await.unwrap().body, branch.body);
    gate.open();
    let answer = stuck.await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.body == module.zip(), "other bytes");
    assert_eq!(upstream.count(&zip), 1, "{:?}", upstream.paths());
}
