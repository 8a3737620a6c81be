"""What Magika's official package says of each path of a JSON list: a JSON list on the standard output."""

import json
import sys

from magika import Magika

with open(sys.argv[1], encoding="utf-8") as paths:
    results = Magika().identify_paths(json.load(paths))
answers = []
for result in results:
    if not result.ok:
        sys.exit(f"{result.path}: {result.status}")
    prediction = result.prediction
    answers.append({"label": str(prediction.output.label), "class": str(prediction.dl.label), "score": prediction.score})
json.dump(answers, sys.stdout)
