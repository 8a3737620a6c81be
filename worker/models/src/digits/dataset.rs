//! The images.

/// Pixels on one side of an image.
pub const SIDE: usize = 8;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Number of classes.
pub const CLASSES: usize = 10;

/// Pixels and the label.
const RECORD_BYTES: usize = PIXELS + 1;
/// The first images in file order train the network, the others are held out.
const TRAINING_IMAGES: usize = 1297;

static RECORDS: &[u8] = include_bytes!("../../../../models/digits/digits.bin");

/// One image with what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Row-major; 0 is white, 16 is black.
    pub pixels: [u8; PIXELS],
    /// The digit.
    pub label: u8,
}

/// All images, split by the rule of the data set's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The 1,297 images that trained the network.
    pub train: Vec<Image>,
    /// The 500 images that it never saw.
    pub held_out: Vec<Image>,
}

impl Dataset {
    /// The data set that is part of the project.
    pub fn embedded() -> Self {
        let (records, _) = RECORDS.as_chunks::<RECORD_BYTES>();
        let images = records.iter().map(|record| {
            let mut pixels = [0; PIXELS];
            pixels.copy_from_slice(&record[..PIXELS]);
            Image { pixels, label: record[PIXELS] }
        });
        let mut train: Vec<Image> = images.collect();
        let held_out = train.split_off(TRAINING_IMAGES.min(train.len()));
        Self { train, held_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_every_image_within_its_ranges() {
        assert_eq!(RECORDS.len(), 1797 * RECORD_BYTES);
        let dataset = Dataset::embedded();
        assert_eq!((dataset.train.len(), dataset.held_out.len()), (1297, 500));
        let mut counts = [0; CLASSES];
        for image in dataset.train.iter().chain(&dataset.held_out) {
            assert!(image.pixels.iter().all(|pixel| *pixel <= 16));
            counts[usize::from(image.label)] += 1;
        }
        // Class distribution of the test part as its authors state it.
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }
}
