"""What happened to each record of a run: facts told as they happen, kept in a journal, read back as a story.

`facts` says what is told, `journal` keeps it, in memory and in a file of lines. `findings` puts facts in relation,
`reasons` says why an attempt was made and how it ended, `way` makes the story of one record, message or event: a tree
of steps, worded by `wording`. `telling` turns that into lines or a document. All but the file is pure.
"""
