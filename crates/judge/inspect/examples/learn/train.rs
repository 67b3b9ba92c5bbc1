//! Training: logistic regression over sentences. Of an attack only its worst sentence has to be seen, of an honest text none.

use doorward_inspect::training::{COUNT, Weights};

use crate::grammar::Dice;

/// The sentences of one text.
#[derive(Clone)]
pub(crate) struct Bag {
    pub(crate) sentences: Vec<Vec<u16>>,
    pub(crate) is_attack: bool,
    /// How much it counts.
    pub(crate) weight: f32,
}

const ROUNDS: usize = 14;
const RATE: f32 = 0.15;
/// How strongly weights are drawn to nothing: what a few texts say is no rule.
const DECAY: f32 = 0.000_02;

/// Learns weights from bags.
fn hy(n: usize, d: f32) -> f32 { std::env::var("HY").ok().and_then(|v| v.split(',').nth(n).and_then(|v| v.parse().ok())).unwrap_or(d) }
pub(crate) fn train(bags: &[Bag]) -> Weights {
    let (rate,decay,init,rounds)=(hy(0,RATE),hy(1,DECAY),hy(2,1.0),hy(3,14.0) as usize);
    let mut learner = Learner { bias: -2.0, weights: vec![0.0; COUNT], squares: vec![init; COUNT + 1], rate, decay };
    let mut order: Vec<usize> = (0..bags.len()).collect();
    let mut dice = Dice::new(7);
    for round in 0..rounds {
        dice.shuffle(&mut order);
        for bag in order.iter().map(|n| &bags[*n]) {
            if !bag.is_attack {
                for sentence in &bag.sentences {
                    learner.step(sentence, 0.0, bag.weight);
                }
            } else if round == 0 {
                #[expect(clippy::cast_precision_loss, reason = "a handful of sentences")]
                let share = bag.weight / bag.sentences.len().max(1) as f32;
                bag.sentences.iter().for_each(|sentence| learner.step(sentence, 1.0, share));
            } else {
                let logit = |sentence: &&Vec<u16>| learner.logit(sentence);
                if let Some(worst) = bag.sentences.iter().max_by(|a, b| logit(a).total_cmp(&logit(b))) {
                    learner.step(worst, 1.0, bag.weight);
                }
            }
        }
    }
    Weights::new(learner.bias, learner.weights)
}

struct Learner {
    bias: f32,
    weights: Vec<f32>,
    squares: Vec<f32>,
    rate: f32, decay: f32,
}

impl Learner {
    fn logit(&self, sentence: &[u16]) -> f32 {
        self.bias + scale(sentence) * sentence.iter().map(|n| self.weights[usize::from(*n)]).sum::<f32>()
    }

    fn step(&mut self, sentence: &[u16], wanted: f32, weight: f32) {
        let chance = 1.0 / (1.0 + (-self.logit(sentence)).exp());
        let slope = (chance - wanted) * weight;
        if slope.abs() < 0.002 {
            return;
        }
        let k = scale(sentence);
        for n in sentence.iter().map(|n| usize::from(*n)) {
            let slope = slope * k + self.decay * self.weights[n];
            self.squares[n] += slope * slope;
            self.weights[n] -= self.rate * slope / self.squares[n].sqrt();
            self.weights[n] *= 1.0 - self.decay;
        }
        self.squares[COUNT] += slope * slope;
        self.bias -= self.rate * slope / self.squares[COUNT].sqrt();
    }
}

fn scale(s: &[u16]) -> f32 { 8.0 / (s.len() as f32 + 20.0).sqrt() }
