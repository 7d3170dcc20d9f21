//! Forms with files (multipart/form-data): text parts become the JSON that the same call takes without files; files are
//! checked, hashed, sealed and staged while they arrive. At most a few pieces of a file are in memory at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest;
use axum::body::{Body, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::{Stream, StreamExt};
use paygen_core::card_holders::{DocumentPart, NewDocument};
use paygen_core::ids::{CardHolderId, ClientId, DocumentId};
use paygen_vault::HolderKey;

use crate::Api;
use crate::body::{Faults, has_room};
use crate::problem::{FieldProblem, Problem};
use crate::text::is_blank;
use crate::write::Write;
use paygen_app::documents::{ACCEPTED, Checker, Documents, DocumentsError, Place};
use paygen_edge::budget::Account;
use paygen_edge::json::Json;
use paygen_edge::nearest::hint;

const MAX_FILE_BYTES: usize = 10 << 20;
const MAX_TEXT_BYTES: usize = 64 << 10;
const MAX_PARTS: usize = 32;

/// Upper bound on the bytes before the first part, and on the head of a part.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Three files, as much text as the parts may have, and the delimiters.
const MAX_FORM_BYTES: usize = 3 * MAX_FILE_BYTES + MAX_PARTS * MAX_TEXT_BYTES + (1 << 20);

/// The parts of a call's form.
pub struct FormSpec {
    /// Parts that are plain text.
    pub texts: &'static [&'static str],
    /// Parts that are JSON as text.
    pub json: &'static [&'static str],
}

/// Files, by the names of their parts.
const FILES: &[(&str, DocumentPart)] = &[
    ("documentMain", DocumentPart::DocumentMain),
    ("documentBack", DocumentPart::DocumentBack),
    ("proofOfAddress", DocumentPart::ProofOfAddress),
    ("proof_of_address", DocumentPart::ProofOfAddress),
];

/// A parsed form.
pub struct Form {
    /// Its texts as one object.
    pub json: Json,
    pub files: Vec<NewDocument>,
    pub faults: Faults,
    /// Its files in the staging area.
    pub staged: Staged,
}

impl Form {
    /// A call that came as JSON.
    pub fn without_files(app: &Api, json: Json) -> Form {
        Form { json, files: Vec::new(), faults: Vec::new(), staged: Staged::new(&app.documents) }
    }

    /// The canonical text: equal for equal content, although boundaries differ on every retry.
    pub fn canonical(&self) -> String {
        let mut text = self.json.canonical();
        let mut files: Vec<&NewDocument> = self.files.iter().collect();
        files.sort_by_key(|file| file.part);
        for file in files {
            text.push_str(&format!("\n{} {:02x?}", file.part, file.content_hash));
        }
        text
    }
}

/// Staged files. They are deleted on drop, unless their command was submitted.
pub struct Staged {
    documents: Documents,
    places: Vec<Place>,
}

impl Staged {
    fn new(documents: &Documents) -> Staged {
        Staged { documents: documents.clone(), places: Vec::new() }
    }

    /// Submits the command that takes the files in. From then on only a definite answer decides about them: without
    /// one, as when the process ends in between, the sweeper resolves it.
    pub async fn give(mut self, command: impl Future<Output = Result<Response, Problem>>) -> Result<Response, Problem> {
        let places = std::mem::take(&mut self.places);
        let answer = command.await;
        let taken = match &answer {
            Ok(response) => response.status().is_success() && !response.headers().contains_key("idempotent-replayed"),
            Err(problem) if problem.status().is_client_error() => false,
            Err(_) => return answer,
        };
        for place in places {
            let done = if taken { self.documents.settle(place).await } else { self.documents.discard(place).await };
            if let Err(error) = done {
                tracing::warn!(error = %error, document = %place.document, "a staged document is left to the sweeper");
            }
        }
        answer
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let (documents, places) = (self.documents.clone(), std::mem::take(&mut self.places));
        if !places.is_empty() {
            tokio::spawn(async move {
                for place in places {
                    if let Err(error) = documents.discard(place).await {
                        tracing::warn!(error = %error, "a staged document is left to the sweeper");
                    }
                }
            });
        }
    }
}

/// Whether a request is a form.
pub fn is_form(request: &Request) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| text.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"))
}

/// Parses a form about a card holder, whose key seals its files.
pub async fn read(
    app: &Api,
    request: Request,
    spec: &FormSpec,
    (client, card_holder): (ClientId, CardHolderId),
    key: &HolderKey,
) -> Result<Form, Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_FORM_BYTES) {
        return Err(too_large());
    }
    let (parts, body) = request.into_parts();
    let account = parts.extensions.get::<Account>().cloned();
    let silent = Arc::new(AtomicUsize::new(0));
    let mut request = Request::from_parts(parts, Body::from_stream(piece_by_piece(body, silent.clone())));
    DefaultBodyLimit::disable().apply(&mut request);
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|error| malformed(&error.body_text()))?;
    let mut reading = Reading {
        app,
        spec,
        client,
        card_holder,
        key,
        members: Vec::new(),
        files: Vec::new(),
        faults: Vec::new(),
        staged: Staged::new(&app.documents),
        account,
        texts: 0,
        silent,
    };
    reading.parts(&mut multipart).await?;
    let Reading { members, files, faults, staged, .. } = reading;
    Ok(Form { json: Json::Object(members), files, faults, staged })
}

/// The body, at most as large as a form may be. The multipart parser takes in whatever is ready at once, so between two
/// pieces it is made to wait, and takes one at a time.
///
/// It buffers the preamble and each part's head, and searches them again with every piece; `silent` counts the bytes it
/// took without producing anything.
fn piece_by_piece(body: Body, silent: Arc<AtomicUsize>) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    let state = (body.into_data_stream(), 0usize);
    futures_util::stream::unfold(state, move |(mut stream, before)| {
        let silent = silent.clone();
        async move {
            tokio::task::yield_now().await;
            let mut piece = stream.next().await?.map_err(std::io::Error::other);
            let length = piece.as_ref().map_or(0, Bytes::len);
            if before + length > MAX_FORM_BYTES {
                piece = Err(std::io::Error::other(TOO_LARGE));
            } else if silent.fetch_add(length, Ordering::Relaxed) > MAX_HEAD_BYTES {
                piece = Err(std::io::Error::other("a part has no end of its head, or none begins"));
            }
            Some((piece, (stream, before + length)))
        }
    })
}

const TOO_LARGE: &str = "the form is larger than three files and their texts can be";

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("The body is too large: {TOO_LARGE}."))
}

fn malformed(why: &str) -> Problem {
    if why.contains(TOO_LARGE) {
        return too_large();
    }
    let message = format!("The body cannot be read as multipart/form-data: {why}.");
    Problem::new(StatusCode::BAD_REQUEST, "malformed_form", message)
}

impl From<DocumentsError> for Problem {
    fn from(error: DocumentsError) -> Problem {
        let message = "Documents cannot be stored or read just now. Try again shortly.";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "documents_unavailable", message)
            .retry_after(1)
            .log(error.to_string())
    }
}

struct Reading<'a> {
    app: &'a Api,
    spec: &'a FormSpec,
    client: ClientId,
    card_holder: CardHolderId,
    key: &'a HolderKey,
    members: Vec<(String, Json)>,
    files: Vec<NewDocument>,
    faults: Faults,
    staged: Staged,
    account: Option<Account>,
    /// Bytes of texts received.
    texts: usize,
    /// Bytes that the multipart parser took since it last produced something.
    silent: Arc<AtomicUsize>,
}

/// A received file.
enum Arrived {
    /// No file was chosen: without a name and empty (HTML, "constructing the entry list").
    Nothing,
    Good {
        file_type: &'static str,
        size: usize,
        hash: [u8; 32],
    },
    Wrong(&'static str),
}

impl Reading<'_> {
    async fn parts(&mut self, multipart: &mut Multipart) -> Result<(), Problem> {
        let mut count = 0;
        while let Some(mut field) = multipart.next_field().await.map_err(|error| malformed(&error.body_text()))? {
            self.silent.store(0, Ordering::Relaxed);
            count += 1;
            if count > MAX_PARTS {
                let message = format!("The form has more than {MAX_PARTS} parts.");
                return Err(Problem::new(StatusCode::BAD_REQUEST, "too_many_parts", message));
            }
            let name = field.name().unwrap_or_default().to_owned();
            let is_text = self.spec.texts.contains(&name.as_str()) || self.spec.json.contains(&name.as_str());
            match FILES.iter().find(|(known, _)| *known == name) {
                Some((_, part)) if !is_text || field.file_name().is_some() => {
                    self.file(&name, *part, &mut field).await?;
                }
                _ if is_text => self.text(name, &mut field).await?,
                _ => self.unknown(&name),
            }
            // Drain the part.
            while chunk(&mut field, &self.silent).await?.is_some() {}
        }
        Ok(())
    }

    fn fault(&mut self, name: &str, code: &str, message: impl Into<String>) {
        self.faults.push(FieldProblem::new(format!("/{name}"), code, message));
    }

    fn unknown(&mut self, name: &str) {
        let shown: String = name.chars().take(64).collect();
        let known = self.spec.texts.iter().chain(self.spec.json).copied().chain(FILES.iter().map(|(name, _)| *name));
        let message = format!("is not a known field.{}", hint(&shown, known));
        self.fault(&shown, "unknown_field", message);
    }

    async fn text(&mut self, name: String, field: &mut Field<'_>) -> Result<(), Problem> {
        let mut bytes = Vec::new();
        while let Some(piece) = chunk(field, &self.silent).await? {
            self.texts += piece.len();
            has_room(self.account.as_ref(), self.texts)?;
            bytes.extend_from_slice(&piece);
            if bytes.len() > MAX_TEXT_BYTES {
                self.fault(&name, "max_length", format!("must have at most {MAX_TEXT_BYTES} bytes"));
                return Ok(());
            }
        }
        // Browsers send every field of a form; an empty one counts as absent.
        if std::str::from_utf8(&bytes).is_ok_and(is_blank) {
            return Ok(());
        }
        if self.members.iter().any(|(known, _)| *known == name) {
            self.fault(&name, "repeated", "is given twice");
            return Ok(());
        }
        let value = if self.spec.json.contains(&name.as_str()) {
            Json::parse(&bytes).map_err(|why| format!("must be JSON as text: {why}"))
        } else {
            String::from_utf8(bytes).map(Json::Text).map_err(|_| "must be text in UTF-8".to_owned())
        };
        match value {
            Ok(value) => self.members.push((name, value)),
            Err(message) => self.fault(&name, "malformed", message),
        }
        Ok(())
    }

    async fn file(&mut self, name: &str, part: DocumentPart, field: &mut Field<'_>) -> Result<(), Problem> {
        let repeated = self.files.iter().any(|file| file.part == part);
        let id = DocumentId(paygen_app::new_id_maker().next(self.app.clock.now()));
        let place = Place { client: self.client, card_holder: self.card_holder, document: id };
        match stage(self.app, place, self.key, name, (field, &self.silent)).await? {
            Arrived::Nothing => {}
            Arrived::Wrong(why) => {
                self.fault(name, "file_invalid", format!("is not {ACCEPTED}: {why}"));
            }
            Arrived::Good { file_type, size, hash } => {
                self.staged.places.push(place);
                if repeated {
                    self.fault(name, "repeated", "is given twice");
                    return Ok(());
                }
                let size = i64::try_from(size).unwrap_or(i64::MAX);
                self.files.push(NewDocument { id, part, file_type, size, content_hash: hash });
            }
        }
        Ok(())
    }
}

/// The next piece of a part.
async fn chunk(field: &mut Field<'_>, silent: &AtomicUsize) -> Result<Option<Bytes>, Problem> {
    let piece = field.chunk().await.map_err(|error| malformed(&error.body_text()))?;
    silent.store(0, Ordering::Relaxed);
    Ok(piece)
}

/// Writes a file to staging while it is checked; an invalid one is discarded.
async fn stage(
    app: &Api,
    place: Place,
    key: &HolderKey,
    name: &str,
    (field, silent): (&mut Field<'_>, &AtomicUsize),
) -> Result<Arrived, Problem> {
    let unnamed = field.file_name().is_none_or(str::is_empty);
    let declared = field.content_type().map(|kind| kind.trim().to_ascii_lowercase()).unwrap_or_default();
    let mut staging = app.documents.stage(place, key).await?;
    let (mut checker, mut hasher, mut size) = (Checker::default(), digest::Context::new(&digest::SHA256), 0);
    let arrived = loop {
        let piece = match chunk(field, silent).await {
            Ok(Some(piece)) => piece,
            Ok(None) => {
                break match checker.finish() {
                    _ if unnamed && size == 0 => Ok(Arrived::Nothing),
                    Err(why) => Ok(Arrived::Wrong(why)),
                    Ok(found) if !may_be(&declared, found) => {
                        Ok(Arrived::Wrong("its content is of another type than it says"))
                    }
                    Ok(file_type) => {
                        let hash = hasher.finish().as_ref().try_into().unwrap_or_default();
                        Ok(Arrived::Good { file_type, size, hash })
                    }
                };
            }
            Err(problem) => break Err(problem),
        };
        size += piece.len();
        if size > MAX_FILE_BYTES {
            let message = format!("{name} is larger than {MAX_FILE_BYTES} bytes.");
            let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "file_too_large", message.clone());
            break Err(problem.field(&format!("/{name}"), "file_too_large", message));
        }
        if let Err(why) = checker.push(&piece) {
            break Ok(Arrived::Wrong(why));
        }
        hasher.update(&piece);
        if let Err(error) = staging.push(&piece).await {
            break Err(error.into());
        }
    };
    match arrived {
        Ok(Arrived::Good { .. }) => staging.finish().await?,
        _ => staging.abort().await,
    }
    arrived
}

/// Whether a file of this type may be declared as such: only declarations of accepted types count.
fn may_be(declared: &str, found: &str) -> bool {
    let declared = declared.split(';').next().unwrap_or_default().trim();
    let declared = if declared == "image/jpg" { "image/jpeg" } else { declared };
    !["image/jpeg", "image/png", "application/pdf"].contains(&declared) || declared == found
}

/// Uploads have no dry run, because the files would have to be stored.
pub fn no_dry_run(write: &Write) -> Result<(), Problem> {
    if !write.dry_run {
        return Ok(());
    }
    let message = "does not work with a form; send JSON to try a card holder out";
    Err(Problem::invalid(vec![FieldProblem::new("dryRun", "unsupported", message)]))
}
