//! Makes the calls that were approved, each as its requester's, and ends what waited too long.
//!
//! A call's answer is kept under a key of its approval, in the transaction of its effect. So a server that is killed
//! between the call and its record, or several servers at a time, make it once: the next one gets the kept answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request as HttpRequest, StatusCode, header};
use paygen_core::approvals::{Approval, ApprovalAction, ExpireApproval, FinishApproval};
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_edge::json::Json;
use paygen_engine::clock::wall;
use paygen_engine::stopped;
use tower::ServiceExt;

use super::gate::ApprovedCall;
use crate::Api;
use crate::gate::Caller;

/// How often is looked for what another server left.
const INTERVAL: Duration = Duration::from_secs(1);

/// Approvals looked at in one step.
const PER_STEP: u32 = 100;

/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// The longest message of an answer that is kept, in characters.
const MAX_MESSAGE: usize = 500;

/// Runs until the process stops. `router` is the API.
pub async fn run(app: Api, router: Router) {
    let mut stopping = app.stopping.clone();
    loop {
        tokio::select! {
            () = app.approved.notified() => {}
            () = tokio::time::sleep(INTERVAL) => {}
            () = stopped(&mut stopping) => return,
        }
        match app.reader.approved(PER_STEP).await {
            Ok(approved) => {
                for approval in &approved {
                    make(&app, &router, approval).await;
                }
            }
            Err(error) => tracing::warn!(%error, "approved calls cannot be read"),
        }
        expire(&app).await;
    }
}

async fn expire(app: &Api) {
    let overdue = match app.reader.overdue_approvals(wall(), PER_STEP).await {
        Ok(overdue) => overdue,
        Err(error) => {
            tracing::warn!(%error, "overdue approvals cannot be read");
            return;
        }
    };
    for approval in overdue {
        let command = Command::ExpireApproval(ExpireApproval { id: approval.id });
        let _ = app.engine.run_background(Request::new(Context::system(approval.client, ""), command)).await;
    }
}

/// Makes the call, and records what came of it. What cannot be answered now is tried again.
async fn make(app: &Api, router: &Router, approval: &Approval) {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (status, message) = match app.caller_again(approval.client, approval.requester, address).await {
        Ok(Some(caller)) => call(router, &caller, approval).await,
        Ok(None) => {
            let message = "Its requester has lost the right to do this.";
            (StatusCode::FORBIDDEN, message.to_owned())
        }
        Err(error) => {
            tracing::warn!(%error, "the requester of an approved call cannot be read");
            return;
        }
    };
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return;
    }
    let command = FinishApproval { id: approval.id, status: i64::from(status.as_u16()), message };
    let request = Request::new(Context::system(approval.client, ""), Command::FinishApproval(command));
    if let Err(error) = app.engine.run_background(request).await {
        tracing::warn!(%error, "it cannot be recorded that an approved call was made");
    }
}

async fn call(router: &Router, caller: &Caller, approval: &Approval) -> (StatusCode, String) {
    let mut request = HttpRequest::builder()
        .method(approval.method.as_str())
        .uri(approval.path.as_str())
        .header(header::HOST, "localhost");
    if let Some(version) = approval.if_match {
        request = request.header(header::IF_MATCH, format!("\"{version}\""));
    }
    let body = match approval.body.is_empty() {
        true => Body::empty(),
        false => {
            request = request.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Body::from(approval.body.clone())
        }
    };
    let Ok(mut request) = request.body(body) else {
        return (StatusCode::BAD_REQUEST, "The call cannot be made: its path is no path.".to_owned());
    };
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(caller.address, 0)));
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(ApprovedCall(approval.id));
    let response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    let bytes = to_bytes(response.into_body(), MAX_ANSWER_BYTES).await.unwrap_or_default();
    let message = match Json::parse(&bytes).ok().as_ref().and_then(|body| body.member("message")) {
        Some(Json::Text(text)) => text.chars().take(MAX_MESSAGE).collect(),
        _ => String::new(),
    };
    let moved = "The available balance is not the one that was looked at: money moved meanwhile.";
    let is_moved = status == StatusCode::BAD_REQUEST
        && approval.action == ApprovalAction::AccountAdjust
        && bytes.windows(17).any(|text| text == b"/availableBalance");
    (status, if is_moved { moved.to_owned() } else { message })
}
