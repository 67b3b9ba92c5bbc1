//! `doorward model-worker`: the process in which a model reads texts. The door starts it; people do not.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use doorward_advise::{Loading, Said, work};
use doorward_classifier::{Classifier, ClassifierError, Settings};

use crate::failure::Failure;

pub(crate) fn run() -> Result<ExitCode, Failure> {
    let load = |loading: Loading, model: Vec<u8>, tokenizer: &[u8]| {
        let window = usize::try_from(loading.window).map_err(|error| error.to_string())?;
        let settings = Settings { benign: loading.benign.into(), window };
        let classifier = Classifier::new(model, tokenizer, settings).map_err(|error| error.to_string())?;
        Ok(move |text: &str, budget: Duration| {
            let ends = Instant::now() + budget;
            judge(&classifier, text, loading.sure, ends)
                .unwrap_or_else(|error| Said::Failed(error.to_string()))
        })
    };
    work(&mut io::stdin().lock(), &mut io::stdout().lock(), load)
        .map(|()| ExitCode::SUCCESS)
        .map_err(|error| Failure::new(format!("the line to the door broke: {error}")))
}

/// Reads windows until one is surely an attack, all are read, or the time is up.
fn judge(classifier: &Classifier, text: &str, sure: u8, ends: Instant) -> Result<Said, ClassifierError> {
    let mut worst = 0;
    for window in classifier.windows(text)? {
        if Instant::now() >= ends {
            return Ok(Said::Late);
        }
        worst = worst.max(percent(classifier.score(&window)?));
        if worst >= sure {
            break;
        }
    }
    Ok(Said::Percent(worst))
}

/// Whole percents, rounded down: what is not quite as sure as is asked for does not count.
fn percent(score: f32) -> u8 {
    // No crate offers a lossless way from a float; the value is between 0 and 100 here.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 100")]
    let whole = (score * 100.0).clamp(0.0, 100.0) as u8;
    whole
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn percents_are_rounded_down() {
        assert_eq!([0.0, 0.899, 0.9, 0.999, 1.0, f32::NAN, 7.0].map(percent), [0, 89, 90, 99, 100, 0, 100]);
    }
}
