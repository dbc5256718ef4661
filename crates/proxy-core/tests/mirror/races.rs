//! Two mirrors over one store, whose origins disagree about a version: one and the same version comes out.

use super::*;
use testkit::module::Module;

const V1: &str = "example.test/m@v1.0.0";

/// The same version as two origins have it: other code, another `go.mod`, another commit.
fn sides() -> [Module; 2] {
    let module = Module::new("example.test/m", "v1.0.0");
    let other = module
        .clone()
        .file("go.mod", "module example.test/m\n\ngo 1.22\n")
        .file("side.go", "package m\n")
        .at("2022-02-02T02:02:02Z");
    [
        module.from_origin(r#"{"VCS":"git","URL":"https://example.test/m","Hash":"aaaaaaaaaaaaaaaaaaaa"}"#),
        other.from_origin(r#"{"VCS":"git","URL":"https://example.test/m","Hash":"bbbbbbbbbbbbbbbbbbbb"}"#),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mirrors_that_share_a_store_and_fetch_other_bytes_end_with_one_version() {
    for round in 0..50 {
        let store: Arc<MemoryStore> = Arc::default();
        let houses =
            sides().map(|module| Arc::new(House::over(Arc::clone(&store), &Origin::with(&[module]))));
        let mut requests = tokio::task::JoinSet::new();
        for (number, house) in houses.iter().cycle().take(12).enumerate() {
            let house = Arc::clone(house);
            let kind = [Kind::Zip, Kind::Mod, Kind::Info][(number / 2 + round) % 3];
            // Who loses may be refused; what is served and kept is what is judged below.
            requests.spawn(async move { house.file(V1, kind).await.map(drop) });
        }
        while let Some(request) = requests.join_next().await {
            let _refused = request.unwrap().is_err();
        }
        let seen = [&houses[0], &houses[1]].map(|house| async {
            let mut files = Vec::new();
            for kind in Kind::ALL {
                files.push(house.file(V1, kind).await.ok().map(|(bytes, _)| bytes));
            }
            files
        });
        let [one, two] = seen;
        let (one, two) = (one.await, two.await);
        assert!(
            one[2].is_some() || two[2].is_some(),
            "one of them can complete the version"
        );
        for kept in [&one, &two].into_iter().filter(|kept| kept[2].is_some()) {
            let whole = sides().iter().any(|side| {
                kept[1].as_deref() == Some(&side.go_mod()[..]) && kept[2].as_deref() == Some(&side.zip()[..])
            });
            assert!(whole, "round {round}: a .mod of one and a zip of the other");
        }
    }
}
