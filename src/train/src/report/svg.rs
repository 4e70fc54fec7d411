//! A small plot: two named axes, lines, bars, direct labels.

use std::fmt::Write as _;

use super::html::{escape, fixed};

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 50.0;

/// One axis: its name with unit, its range and its ticks.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The name, with the unit.
    pub name: String,
    /// The lower end.
    pub min: f64,
    /// The upper end.
    pub max: f64,
    /// Where ticks stand, and what is written there.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From 0 to 100 % in steps of 20.
    pub fn share(name: &str) -> Self {
        Self::new(name, 0.0, 1.0, 0.2, |tick| format!("{} %", fixed(tick * 100.0, 0)))
    }

    /// An axis with ticks at multiples of `step`.
    pub fn new(name: &str, min: f64, max: f64, step: f64, label: impl Fn(f64) -> String) -> Self {
        let first = (min / step - 1e-9).ceil() as i64;
        let last = (max / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|tick| tick as f64 * step).map(|tick| (tick, label(tick))).collect();
        Self { name: name.to_owned(), min, max, ticks }
    }

    /// A step of 1, 2 or 5 times a power of ten that gives about `count` ticks.
    pub fn step(range: f64, count: f64) -> f64 {
        let raw = range / count;
        let mut power = 1.0;
        while power * 10.0 <= raw {
            power *= 10.0;
        }
        while power > raw {
            power /= 10.0;
        }
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= raw).unwrap_or(raw)
    }
}

/// A plot in the making.
#[derive(Debug)]
pub struct Plot {
    x: Axis,
    y: Axis,
    body: String,
}

impl Plot {
    /// An empty plot.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, body: String::new() }
    }

    fn px(&self, x: f64) -> f64 {
        LEFT + (x - self.x.min) / (self.x.max - self.x.min) * (WIDTH - LEFT - RIGHT)
    }

    fn py(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - (y - self.y.min) / (self.y.max - self.y.min) * (HEIGHT - TOP - BOTTOM)
    }

    /// A line through points, drawn in the style of `class`.
    pub fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "{:.1},{:.1} ", self.px(x), self.py(y));
        }
        let _ = write!(self.body, "<polyline class=\"{class}\" points=\"{}\"/>", path.trim_end());
    }

    /// A bar from the bottom of the plot.
    pub fn bar(&mut self, class: &str, from: f64, to: f64, height: f64) {
        let (x, y) = (self.px(from), self.py(height));
        let (width, height) = (self.px(to) - x, self.py(self.y.min) - y);
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        );
    }

    /// A dot.
    pub fn dot(&mut self, class: &str, x: f64, y: f64) {
        let (x, y) = (self.px(x), self.py(y));
        let _ = write!(self.body, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
    }

    /// Words at a point, moved by pixels; `anchor` is `start`, `middle` or `end`.
    pub fn label(&mut self, class: &str, (x, y): (f64, f64), (dx, dy): (f64, f64), anchor: &str, text: &str) {
        let (x, y) = (self.px(x) + dx, self.py(y) + dy);
        let text = escape(text);
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    /// The finished picture; `title` is what a screen reader says.
    pub fn finish(self, title: &str) -> String {
        let mut frame = String::new();
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (value, label) in &self.y.ticks {
            let y = self.py(*value);
            let _ = write!(
                frame,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                escape(label)
            );
        }
        for (value, label) in &self.x.ticks {
            let x = self.px(*value);
            let _ = write!(
                frame,
                "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom}\" y2=\"{:.1}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 4.0,
                bottom + 17.0,
                escape(label)
            );
        }
        let middle = TOP + (bottom - TOP) / 2.0;
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{frame}\
             <line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>{}\
             <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"name\" transform=\"translate(13 {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text></svg>",
            escape(title),
            self.body,
            LEFT + (right - LEFT) / 2.0,
            HEIGHT - 8.0,
            escape(&self.x.name),
            escape(&self.y.name),
        )
    }
}
