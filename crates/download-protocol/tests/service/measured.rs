//! What the metrics say of requests.

use crate::house::{Form, House, Shelf};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusBuilder;

#[test]
fn requests_are_counted_by_kind_outcome_and_status_until_their_last_byte() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let zip = "example.test/m/@v/v1.0.0.zip";
            let house = House::over(Shelf::default().with(zip, "PK", Form::Memory));
            let mut response = house.ask("GET", zip, &[]).await;
            house.ask("GET", zip, &["if-none-match: *"]).await;
            house.get("/nonsense").await;
            house.get("/example.test/m/@v/v1.9.0.mod").await;
            let text = handle.render();
            for line in [
                "stoa_requests_in_flight 1",
                "stoa_requests_total{kind=\"zip\",cache=\"hit\",status=\"200\"} 1",
                "stoa_requests_total{kind=\"zip\",cache=\"hit\",status=\"304\"} 1",
                "stoa_requests_total{kind=\"malformed\",cache=\"error\",status=\"404\"} 1",
                "stoa_requests_total{kind=\"mod\",cache=\"error\",status=\"404\"} 1",
                "stoa_request_duration_seconds_count{kind=\"zip\",cache=\"hit\"} 1",
            ] {
                assert!(
                    text.lines().any(|found| found == line),
                    "{line:?} is not in\n{text}"
                );
            }
            response.body_mut().frame().await.unwrap().unwrap();
            drop(response);
            let text = handle.render();
            for line in [
                "stoa_requests_in_flight 0",
                "stoa_request_duration_seconds_count{kind=\"zip\",cache=\"hit\"} 2",
            ] {
                assert!(
                    text.lines().any(|found| found == line),
                    "{line:?} is not in\n{text}"
                );
            }
        });
    });
}
