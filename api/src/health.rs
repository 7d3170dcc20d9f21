//! Health, readiness and metrics, for load balancers and monitoring.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::reply;
use crate::Api;

/// Retrieve health
///
/// 200 while the process runs.
#[utoipa::path(get, path = "/healthz", tag = "Operations", operation_id = "getHealth",
    responses((status = 200, description = "The process runs.", body = super::reply::Envelope<String>)), security(()))]
pub async fn healthz() -> Response {
    reply::ok("Healthy.", &"ok")
}

/// Retrieve readiness
///
/// 200 while requests can be served: the store responds, the last commit succeeded, and the process is not stopping.
/// After a failed commit the store is retried every second.
#[utoipa::path(get, path = "/readyz", tag = "Operations", operation_id = "getReadiness",
    responses((status = 200, description = "Requests can be served.", body = super::reply::Envelope<String>)), security(()))]
pub async fn readyz(State(app): State<Api>) -> Result<Response, Problem> {
    if *app.stopping.borrow() {
        let message = "This server is stopping.";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", message).retry_after(1));
    }
    app.reader.ping().await?;
    if !*app.engine.writable().borrow() {
        let message = "The store answers, but its last commit failed. Look at the log; its disk may be full.";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", message).retry_after(1));
    }
    Ok(reply::ok("Ready.", &"ok"))
}

/// Retrieve metrics
///
/// Counters, gauges and histograms in the Prometheus text format. With `ops_listen` they are served on that port only.
#[utoipa::path(get, path = "/metrics", tag = "Operations", operation_id = "getMetrics",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")), security(()))]
pub async fn metrics(State(app): State<Api>) -> Response {
    paygen_engine::measures::sample(&app.sampled, &app.engine, &app.reader, &app.clock).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (app.metrics)()).into_response()
}
