//! Lines and bands over time as inline SVG; what is hovered over says its numbers.

use super::{COLOURS, escape};
use std::fmt::Write as _;

const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 220.0;
/// Room for the numbers of the axis.
const LEFT: f64 = 56.0;
/// Room for the times.
const BELOW: f64 = 24.0;
/// Lines across the picture at most.
const TICKS: f64 = 5.0;

/// A line; it is broken where there is no value.
pub(crate) struct Line {
    /// One value for each bin.
    pub values: Vec<Option<f64>>,
    /// Number of its colour.
    pub colour: usize,
}

/// What lies between two lines.
pub(crate) struct Band {
    /// The lower one.
    pub low: Vec<Option<f64>>,
    /// The upper one.
    pub high: Vec<Option<f64>>,
    /// Number of its colour.
    pub colour: usize,
}

/// A picture.
pub(crate) struct Chart<'a> {
    /// Unit of the values.
    pub unit: &'a str,
    /// What is drawn, for those who do not see it.
    pub name: &'a str,
    /// What the axis shows at least.
    pub least: Option<(f64, f64)>,
    /// Drawn first.
    pub bands: Vec<Band>,
    /// Drawn above.
    pub lines: Vec<Line>,
    /// What is said of each bin.
    pub titles: Vec<String>,
    /// Times at both ends.
    pub ends: (String, String),
}

/// Where a bin lies.
pub(super) fn across(index: usize, count: usize) -> f64 {
    LEFT + (WIDTH - LEFT) * index as f64 / count.max(1) as f64
}

/// Begins a picture of this height.
pub(super) fn open(html: &mut String, height: f64, name: &str) {
    let _ = writeln!(
        html,
        "<div class=\"chart\"><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escape(name)
    );
}

/// The times at both ends, and the end of the picture.
pub(super) fn close(html: &mut String, height: f64, (from, to): &(String, String)) {
    let _ = writeln!(
        html,
        "<text x=\"{LEFT}\" y=\"{y}\">{}</text><text x=\"{WIDTH}\" y=\"{y}\" class=\"end\">{}</text></svg></div>",
        escape(from),
        escape(to),
        y = height - 6.0
    );
}

impl Chart<'_> {
    /// Writes it.
    pub(crate) fn write(&self, html: &mut String) {
        let count = self.titles.len();
        let (low, high, step) = self.scale();
        let y = |value: f64| 8.0 + (HEIGHT - BELOW - 8.0) * (high - value) / (high - low);
        open(html, HEIGHT, self.name);
        // Not `-0`.
        let mut tick = (low / step).ceil() * step + 0.0;
        while tick <= high + step * 1e-6 {
            let shown = if step < 1.0 { format!("{tick:.1}") } else { format!("{tick:.0}") };
            let at = y(tick);
            let _ = write!(
                html,
                "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{WIDTH}\"/><text x=\"{}\" y=\"{:.1}\" class=\"end\">{shown} {}</text>",
                LEFT - 6.0,
                at + 4.0,
                escape(self.unit)
            );
            tick += step;
        }
        for band in &self.bands {
            for (from, pieces) in pieces(band.low.iter().zip(&band.high).map(|(low, high)| (*low).zip(*high)))
            {
                let mut path = String::new();
                outline(&mut path, from, count, pieces.iter().map(|piece| y(piece.1)));
                let back: Vec<f64> = pieces.iter().map(|piece| y(piece.0)).collect();
                for (index, at) in back.iter().enumerate().rev() {
                    let (begin, end) = (across(from + index, count), across(from + index + 1, count));
                    let _ = write!(path, "L{end:.1} {at:.1}H{begin:.1}");
                }
                let _ = write!(html, "<path class=\"f{}\" d=\"{path}Z\"/>", band.colour % COLOURS);
            }
        }
        for line in &self.lines {
            for (from, pieces) in pieces(line.values.iter().copied()) {
                let mut path = String::new();
                outline(&mut path, from, count, pieces.iter().map(|value| y(*value)));
                let _ = write!(html, "<path class=\"l{}\" d=\"{path}\"/>", line.colour % COLOURS);
            }
        }
        for (index, title) in self.titles.iter().enumerate() {
            let (begin, width) = (across(index, count), across(1, count) - LEFT);
            let height = HEIGHT - BELOW;
            let _ = write!(
                html,
                "<rect class=\"h\" x=\"{begin:.2}\" width=\"{width:.2}\" height=\"{height}\"><title>{}</title></rect>",
                escape(title)
            );
        }
        close(html, HEIGHT, &self.ends);
    }

    /// Lowest and highest value of the axis, and the step between its lines.
    fn scale(&self) -> (f64, f64, f64) {
        let bands = self.bands.iter().flat_map(|band| band.low.iter().chain(&band.high));
        let values = self.lines.iter().flat_map(|line| &line.values).chain(bands).flatten();
        let least = self.least.unwrap_or((0.0, 1.0));
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold(least, |(low, high), value| (low.min(*value), high.max(*value)));
        let rough = ((high - low) / TICKS).max(1e-6);
        let ten = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|one| one * ten).find(|step| *step >= rough);
        (low, high, step.unwrap_or(rough))
    }
}

/// Stairs from left to right.
fn outline(path: &mut String, from: usize, count: usize, heights: impl Iterator<Item = f64>) {
    for (index, at) in heights.enumerate() {
        let (begin, end) = (across(from + index, count), across(from + index + 1, count));
        let letter = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{begin:.1} {at:.1}H{end:.1}");
    }
}

/// Runs of bins that have a value, each with the number of its first bin.
fn pieces<T: Copy>(values: impl Iterator<Item = Option<T>>) -> Vec<(usize, Vec<T>)> {
    let mut pieces: Vec<(usize, Vec<T>)> = Vec::new();
    let mut is_open = false;
    for (index, value) in values.enumerate() {
        match (value, pieces.last_mut().filter(|_| is_open)) {
            (Some(value), Some((_, piece))) => piece.push(value),
            (Some(value), None) => pieces.push((index, vec![value])),
            (None, _) => {}
        }
        is_open = value.is_some();
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_where_nothing_is_known() {
        let values = [Some(1), Some(2), None, None, Some(3)];
        assert_eq!(pieces(values.into_iter()), [(0, vec![1, 2]), (4, vec![3])]);
    }
}
