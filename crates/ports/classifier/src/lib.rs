//! What a local model says of a text: a classifier in ONNX with its `tokenizer.json`, as models for finding injected
//! instructions are published.
//!
//! Who calls it: the worker process of `doorward`, and nobody else. A model is a program that somebody else wrote, what it
//! reads is hostile, and neither its time nor its memory is bounded here: whoever runs it puts walls around the process.
//!
//! A text is cut into windows that overlap, by tokens; each has a score of its own, and the worst one counts.

use std::fmt;

use rten::{Model, NodeId, Value, ValueOrView};
use tokenizers::{Encoding, Tokenizer, TruncationDirection};

/// What a model is made from.
pub struct Settings {
    /// Which of the model's labels says that all is well, counted from 0; all others say that it is not. A model with
    /// one number has none: its number is the attack's.
    pub benign: usize,
    /// Tokens that the model reads at once, its own marks included.
    pub window: usize,
}

/// Why a model cannot be used, or says nothing. It holds nothing of a text.
#[derive(Debug, thiserror::Error)]
pub enum ClassifierError {
    /// The tokenizer is none that is known.
    #[error("the tokenizer cannot be read: {0}")]
    Tokenizer(String),
    /// The model is none that can be run.
    #[error("the model cannot be read: {0}")]
    Model(String),
    /// The model wants to be given something that a text does not have.
    #[error(
        "the model asks for `{0}`; what can be given are `input_ids`, `attention_mask` and `token_type_ids`"
    )]
    Input(String),
    /// The model is given no text.
    #[error("the model has no input `input_ids`, so it reads no text")]
    NoText,
    /// The model says something else than a number for each label.
    #[error("the model gives {0}, not one number for each label")]
    Output(String),
    /// A label that the model does not have.
    #[error("the model has {labels} labels, counted from 0, and there is no label {label} among them")]
    Label {
        /// How many there are.
        labels: usize,
        /// Which is missing.
        label: usize,
    },
    /// The text has no tokens in the model's words.
    #[error("the text cannot be cut into tokens")]
    Text,
    /// The model fails at a text.
    #[error("the model fails")]
    Run,
}

/// Part of a text, as the model reads it.
pub struct Window(Encoding);

/// A model that is ready.
pub struct Classifier {
    tokenizer: Tokenizer,
    /// Tokens of a text in one window, without the marks around them.
    room: usize,
    model: Model,
    inputs: Vec<(NodeId, Input)>,
    output: NodeId,
    benign: usize,
}

/// What an input is filled with.
#[derive(Clone, Copy)]
enum Input {
    Ids,
    Mask,
    Types,
}

/// Windows overlap by a quarter: an order that is cut in two stands whole in one of them.
const OVERLAP: usize = 4;

impl Classifier {
    /// Reads a model and its tokenizer, and lets it read a sentence.
    ///
    /// # Errors
    /// If it is not a classifier of texts that this program can run.
    pub fn new(model: Vec<u8>, tokenizer: &[u8], settings: Settings) -> Result<Self, ClassifierError> {
        let (tokenizer, room) = read_tokenizer(tokenizer, settings.window)?;
        let model = Model::load(model).map_err(|error| ClassifierError::Model(error.to_string()))?;
        let inputs = inputs(&model)?;
        let output = output(&model)?;
        let made = Self { tokenizer, room, model, inputs, output, benign: settings.benign };
        for window in made.windows("A sentence that is not an attack.")? {
            made.score(&window)?;
        }
        Ok(made)
    }

    /// Cuts a text into what the model reads at once, in the order of the text.
    ///
    /// # Errors
    /// If the tokenizer gives up on it.
    pub fn windows(&self, text: &str) -> Result<Vec<Window>, ClassifierError> {
        let mut first = self.tokenizer.encode(text, false).map_err(|_| ClassifierError::Text)?;
        // Cut here: told to do it itself, the tokenizer stops at the end of the first window.
        first.truncate(self.room, self.room / OVERLAP, TruncationDirection::Right);
        let rest = first.take_overflowing();
        let marked = |part| self.tokenizer.post_process(part, None, true).map(Window);
        std::iter::once(first)
            .chain(rest)
            .map(marked)
            .collect::<Result<_, _>>()
            .map_err(|_| ClassifierError::Text)
    }

    /// Returns how sure the model is that a window holds an attack, from 0 to 1.
    ///
    /// # Errors
    /// If the model fails, or gives anything but a finite number for each label.
    pub fn score(&self, window: &Window) -> Result<f32, ClassifierError> {
        let encoding = &window.0;
        let filled = |(node, input): &(NodeId, Input)| {
            let numbers = match input {
                Input::Ids => encoding.get_ids(),
                Input::Mask => encoding.get_attention_mask(),
                Input::Types => encoding.get_type_ids(),
            };
            let numbers: Vec<i32> = numbers.iter().map(|number| number.cast_signed()).collect();
            let value = Value::from_shape([1, numbers.len()], numbers).map_err(|_| ClassifierError::Run)?;
            Ok((*node, ValueOrView::from(value)))
        };
        let filled = self.inputs.iter().map(filled).collect::<Result<_, ClassifierError>>()?;
        // What the runtime says of its failure may show what it was given.
        let [said] = self.model.run_n(filled, [self.output], None).map_err(|_| ClassifierError::Run)?;
        let ([_, labels], scores) =
            said.into_shape_vec::<f32, 2>().map_err(|error| ClassifierError::Output(error.to_string()))?;
        if scores.len() != labels || scores.iter().any(|score| !score.is_finite()) {
            return Err(ClassifierError::Output(format!("{} numbers", scores.len())));
        }
        attack(&scores, self.benign).ok_or(ClassifierError::Label { labels, label: self.benign })
    }
}

impl fmt::Debug for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classifier").field("benign", &self.benign).finish_non_exhaustive()
    }
}

/// The tokenizer, and how many tokens of a text it leaves room for in a window.
fn read_tokenizer(bytes: &[u8], window: usize) -> Result<(Tokenizer, usize), ClassifierError> {
    let bad = |error: tokenizers::Error| ClassifierError::Tokenizer(error.to_string());
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(bad)?;
    tokenizer.with_truncation(None).map_err(bad)?;
    tokenizer.with_padding(None);
    let marks = tokenizer.encode("", true).map_err(bad)?.len();
    match window.checked_sub(marks) {
        Some(room @ 1..) => Ok((tokenizer, room)),
        _ => Err(ClassifierError::Tokenizer(format!(
            "its {marks} marks leave no room in a window of {window}"
        ))),
    }
}

fn inputs(model: &Model) -> Result<Vec<(NodeId, Input)>, ClassifierError> {
    let mut inputs = Vec::new();
    for &node in model.input_ids() {
        let info = model.node_info(node);
        let name = info.as_ref().and_then(|info| info.name()).unwrap_or_default();
        let input = match name {
            "input_ids" => Input::Ids,
            "attention_mask" => Input::Mask,
            "token_type_ids" => Input::Types,
            other => return Err(ClassifierError::Input(other.to_owned())),
        };
        inputs.push((node, input));
    }
    let text = inputs.iter().any(|(_, input)| matches!(input, Input::Ids));
    if text { Ok(inputs) } else { Err(ClassifierError::NoText) }
}

/// What is called `logits`, or else whatever comes first.
fn output(model: &Model) -> Result<NodeId, ClassifierError> {
    let called = |node: &&NodeId| model.node_info(**node).is_some_and(|info| info.name() == Some("logits"));
    let outputs = model.output_ids();
    let chosen = outputs.iter().find(called).or(outputs.first());
    chosen.copied().ok_or_else(|| ClassifierError::Output("nothing".to_owned()))
}

/// The probability of everything but the label that says that all is well. Most models give logits, some the probabilities
/// themselves, some one logit for yes.
fn attack(scores: &[f32], benign: usize) -> Option<f32> {
    if let [only] = scores {
        return Some(1.0 / (1.0 + (-only).exp()));
    }
    let well = scores.get(benign)?;
    let sum: f32 = scores.iter().sum();
    if (sum - 1.0).abs() < 1e-3 && scores.iter().all(|score| (0.0..=1.0).contains(score)) {
        return Some(1.0 - well);
    }
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = scores.iter().map(|score| (score - most).exp()).sum();
    Some(1.0 - (well - most).exp() / sum)
}

#[cfg(test)]
mod tests;
