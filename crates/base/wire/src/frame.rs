//! One JSON-RPC message over its own bytes.

mod rewrite;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::edit::{EditError, Edits};
use crate::id::Id;
use crate::json::{Limits, ParseError, Tree, Value};
use crate::method::Method;

pub use rewrite::{rewrite_id, rewrite_ids, rewrite_progress_token};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the MCP client towards the MCP server.
    ClientToServer,
    /// From the MCP server towards the MCP client.
    ServerToClient,
}

/// The three shapes of a JSON-RPC message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// `method` and `id`: wants an answer.
    Request,
    /// `method` without `id`.
    Notification,
    /// `result` or `error`.
    Response,
}

/// Why a document is not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not strict JSON.
    #[error(transparent)]
    Json(#[from] ParseError),
    /// An array: batches were never part of the revisions served, and a batch hides messages from header checks (T-05).
    #[error("batches are not supported")]
    Batch,
    /// A scalar.
    #[error("a message is an object")]
    NotAnObject,
    /// `jsonrpc` is absent or not `"2.0"`.
    #[error("jsonrpc must be \"2.0\"")]
    BadVersion,
    /// The id is neither a string nor a 64-bit integer, or a response has none.
    #[error("the id must be a string or an integer")]
    BadId,
    /// The method is not a string of 1 to 256 visible ASCII characters.
    #[error("the method must be a string of visible ASCII characters")]
    BadMethod,
    /// `params` is not an object.
    #[error("params must be an object")]
    BadParams,
    /// `error` is not an object with an integer `code` and a string `message`.
    #[error("error must be an object with code and message")]
    BadError,
    /// A request and a response at once, two responses at once, or neither.
    #[error("the message is neither exactly a request nor exactly a response")]
    Ambiguous,
    /// Edits could not be applied.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// A valid JSON-RPC 2.0 message as MCP restricts it, and the bytes it came as. Members it does not know stay in the
/// bytes untouched.
#[derive(Debug, Clone)]
pub struct Frame {
    tree: Tree,
    kind: FrameKind,
    method: Method,
    method_text: MethodText,
    id: Option<Id>,
    id_at: Option<u32>,
    params_at: Option<u32>,
    /// `result` of a response.
    result_at: Option<u32>,
    /// `error` of a response.
    error_at: Option<u32>,
}

/// The method's name: the one the enum knows, or a copy.
#[derive(Debug, Clone)]
enum MethodText {
    None,
    Known(&'static str),
    Other(Box<str>),
}

/// Longest method name, in bytes. Names reach headers, policies, logs and metrics.
const MAX_METHOD: usize = 256;

impl Frame {
    /// Parses a message that came from a client.
    ///
    /// # Errors
    /// [`FrameError`], the first fault found.
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Self, FrameError> {
        Self::from_tree(Tree::parse(bytes, limits)?)
    }

    /// Parses a message that came from a server: lone surrogates become U+FFFD (D-04) and are counted, and an error
    /// may stand without an id, or with a null one, because the server could not read ours.
    ///
    /// # Errors
    /// [`FrameError`], the first fault found.
    pub fn parse_result(bytes: Bytes, limits: &Limits) -> Result<(Self, u32), FrameError> {
        let (tree, replaced) = Tree::parse_result(bytes, limits)?;
        Self::read(tree, Direction::ServerToClient).map(|frame| (frame, replaced)).map_err(|(fault, _)| fault)
    }

    /// Reads a parsed document as a message from a client.
    ///
    /// # Errors
    /// [`FrameError`], the first fault found.
    pub fn from_tree(tree: Tree) -> Result<Self, FrameError> {
        Self::read(tree, Direction::ClientToServer).map_err(|(fault, _)| fault)
    }

    /// As [`from_tree`](Self::from_tree); a refusal carries the id if one could be read, so that it can be answered.
    pub(crate) fn read(tree: Tree, from: Direction) -> Result<Self, (FrameError, Option<Id>)> {
        let members = Members::of(&tree).map_err(|fault| (fault, None))?;
        let shape = members.shape(&tree, from);
        match shape {
            Ok(shape) => Ok(Self {
                kind: shape.kind,
                method: shape.method,
                method_text: shape.method_text,
                id: shape.id,
                id_at: members.id,
                params_at: members.params,
                result_at: members.result,
                error_at: members.error,
                tree,
            }),
            Err(fault) => {
                let id = members.id.and_then(|at| Id::of(tree.value(at)));
                Err((fault, id.filter(|_| members.method.is_some())))
            }
        }
    }

    /// Returns the message's shape.
    pub fn kind(&self) -> FrameKind {
        self.kind
    }

    /// Returns the id of a request or response.
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// Returns the method's name as written, decoded.
    pub fn method(&self) -> Option<&str> {
        match &self.method_text {
            MethodText::None => None,
            MethodText::Known(name) => Some(name),
            MethodText::Other(name) => Some(name),
        }
    }

    /// Returns which method this is; [`Method::Other`] for names of no revision, and for responses.
    pub fn known_method(&self) -> Method {
        self.method
    }

    /// Returns `params`, an object.
    pub fn params(&self) -> Option<Value<'_>> {
        self.params_at.map(|at| self.tree.value(at))
    }

    /// Returns the `result` of a response.
    pub fn result(&self) -> Option<Value<'_>> {
        self.result_at.map(|at| self.tree.value(at))
    }

    /// Returns the `error` of a response: an object with an integer `code` and a string `message`.
    pub fn error(&self) -> Option<Value<'_>> {
        self.error_at.map(|at| self.tree.value(at))
    }

    /// Returns the parsed document.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Returns the message as it came.
    pub fn bytes(&self) -> &Bytes {
        self.tree.bytes()
    }

    /// Returns the whole message as a value.
    pub fn root(&self) -> Value<'_> {
        self.tree.root()
    }

    /// Returns the id as it stands in the message, for splicing another in.
    pub fn id_value(&self) -> Option<Value<'_>> {
        self.id_at.map(|at| self.tree.value(at))
    }

    /// Returns the progress token: a request's `params._meta.progressToken`, or the `params.progressToken` of
    /// `notifications/progress`.
    pub fn progress_token(&self) -> Option<Value<'_>> {
        let params = self.params()?;
        match self.kind {
            FrameKind::Request => params.get("_meta")?.get("progressToken"),
            FrameKind::Notification if self.method == Method::Progress => params.get("progressToken"),
            _ => None,
        }
    }

    /// Returns the message with another id. The hot path uses [`rewrite_id`], which does not parse again.
    ///
    /// # Errors
    /// [`FrameError::BadId`] if the message has no id.
    pub fn with_id(&self, new: &Id) -> Result<Self, FrameError> {
        let id = self.id_value().ok_or(FrameError::BadId)?;
        let mut edits = Edits::new();
        edits.replace(id.span(), new.to_json());
        self.edited(&edits)
    }

    /// Applies edits and reads the outcome as strictly as anything that comes from outside.
    ///
    /// # Errors
    /// [`FrameError`] if the edits do not apply or their outcome is not a message.
    pub fn edited(&self, edits: &Edits) -> Result<Self, FrameError> {
        let tree = Tree::parse(edits.apply(&self.tree)?, self.tree.limits())?;
        let idless = self.kind == FrameKind::Response && self.id.is_none();
        let from = if idless { Direction::ServerToClient } else { Direction::ClientToServer };
        Self::read(tree, from).map_err(|(fault, _)| fault)
    }
}

/// Where the members that make a message stand on the tape.
#[derive(Default)]
struct Members {
    version: Option<u32>,
    id: Option<u32>,
    method: Option<u32>,
    params: Option<u32>,
    result: Option<u32>,
    error: Option<u32>,
}

struct Shape {
    kind: FrameKind,
    method: Method,
    method_text: MethodText,
    id: Option<Id>,
}

impl Members {
    fn of(tree: &Tree) -> Result<Self, FrameError> {
        let root = tree.root();
        if root.kind() == crate::Kind::Array {
            return Err(FrameError::Batch);
        }
        if !root.is_object() {
            return Err(FrameError::NotAnObject);
        }
        let mut found = Self::default();
        for (name, value) in root.members() {
            let slot = match name.as_ref() {
                "jsonrpc" => &mut found.version,
                "id" => &mut found.id,
                "method" => &mut found.method,
                "params" => &mut found.params,
                "result" => &mut found.result,
                "error" => &mut found.error,
                _ => continue,
            };
            *slot = Some(value.index());
        }
        Ok(found)
    }

    fn shape(&self, tree: &Tree, from: Direction) -> Result<Shape, FrameError> {
        if !self.version.is_some_and(|at| tree.value(at).is_str("2.0")) {
            return Err(FrameError::BadVersion);
        }
        match (self.method, self.result, self.error) {
            (Some(method), None, None) => self.call(tree, tree.value(method)),
            (None, Some(_), None) | (None, None, Some(_)) => self.response(tree, from),
            _ => Err(FrameError::Ambiguous),
        }
    }

    fn call(&self, tree: &Tree, method: Value<'_>) -> Result<Shape, FrameError> {
        let name = method.as_str().ok_or(FrameError::BadMethod)?;
        if name.is_empty() || name.len() > MAX_METHOD || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(FrameError::BadMethod);
        }
        let id = match self.id {
            Some(at) => Some(Id::of(tree.value(at)).ok_or(FrameError::BadId)?),
            None => None,
        };
        if self.params.is_some_and(|at| !tree.value(at).is_object()) {
            return Err(FrameError::BadParams);
        }
        let kind = if id.is_some() { FrameKind::Request } else { FrameKind::Notification };
        let method = Method::of(&name);
        let method_text = match method {
            Method::Other => MethodText::Other(name.into()),
            known => MethodText::Known(known.name()),
        };
        Ok(Shape { kind, method, method_text, id })
    }

    fn response(&self, tree: &Tree, from: Direction) -> Result<Shape, FrameError> {
        if let Some(error) = self.error.map(|at| tree.value(at)) {
            let code = error.get("code").and_then(|code| code.as_i64());
            let message = error.get("message").and_then(|message| message.as_str());
            if code.is_none() || message.is_none() {
                return Err(FrameError::BadError);
            }
        }
        let written = self.id.map(|at| tree.value(at)).filter(|id| !id.is_null());
        let id = match written {
            Some(id) => Some(Id::of(id).ok_or(FrameError::BadId)?),
            None if from == Direction::ServerToClient && self.error.is_some() => None,
            None => return Err(FrameError::BadId),
        };
        Ok(Shape { kind: FrameKind::Response, method: Method::Other, method_text: MethodText::None, id })
    }
}
