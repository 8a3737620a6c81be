//! Pictures in the terminal: two pixels a character, upper and lower half block.

use assay_models::digits::{Image, Prediction};

/// Darkness of a pixel of 0 to 16, in four steps.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// Digits side by side with what the network says below: `7 = 7` where it is right, `7 ≠ 1` where it is not.
pub(crate) fn draw_digits(digits: &[(&Image, &Prediction)]) -> String {
    let mut lines: Vec<String> = (0..8)
        .map(|row| {
            digits
                .iter()
                .map(|(image, _)| {
                    let pixels = image.pixels.get(row * 8..row * 8 + 8).unwrap_or(&[]);
                    pixels.iter().flat_map(|pixel| [shade(*pixel); 2]).collect::<String>()
                })
                .collect::<Vec<_>>()
                .join("  ")
        })
        .collect();
    lines.push(
        digits
            .iter()
            .map(|(image, prediction)| {
                let sign = if image.label == prediction.class { '=' } else { '≠' };
                format!("{:^16}", format!("{} {sign} {}", image.label, prediction.class))
            })
            .collect::<Vec<_>>()
            .join("  "),
    );
    lines.join("\n")
}

fn shade(pixel: u8) -> char {
    SHADES.get(usize::from(pixel).div_ceil(4)).copied().unwrap_or('█')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_side_by_side_with_what_the_network_says_below() {
        let image = |label, pixel| Image { pixels: [pixel; 64], label };
        let prediction = |class| Prediction { class, scores: [0; 10] };
        let picture = draw_digits(&[(&image(7, 16), &prediction(7)), (&image(7, 0), &prediction(1))]);
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(lines.len(), 9);
        assert_eq!(lines[0], format!("{}  {}", "█".repeat(16), " ".repeat(16)));
        assert!(lines[8].contains("7 = 7") && lines[8].contains("7 ≠ 1"));
    }

    #[test]
    fn shades_run_from_blank_to_full() {
        assert_eq!((shade(0), shade(1), shade(16), shade(255)), (' ', '░', '█', '█'));
    }
}
