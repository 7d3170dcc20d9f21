//! Keeps metrics small: what histograms were given waits in memory until it is added up, which without this only a scrape does.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

/// How often it is added up.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs until the process stops.
pub async fn run(metrics: PrometheusHandle, mut stop: tokio::sync::watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => metrics.run_upkeep(),
            () = super::stopped(&mut stop) => return,
        }
    }
}
