"""A new pipeline from data: `nightshift new` looks at it, decides, and writes files that a person goes on with.

values.py                   what was asked for, what the data shows, what follows
names.py  opening.py        how it may be called, and where its data is
looking.py                  what the data shows
target.py  choices.py       what follows from it
bounds.py  review.py        what a suite learns, and the mark on everything that was only guessed
rendering.py  made_up.py    the text of the files; templates/ has them
writing.py  create.py       all of the files, or none
"""
