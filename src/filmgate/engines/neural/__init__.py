"""What the engines over diffusers share: profiles, sizes, lengths, levers. It knows no model.

profile    what a model's weights want: grid, native sizes, frames, rate, steps, guidance
weights    the operator's folder or downloaded repository, and which profile it goes by
framing    which size to make, and how it becomes the promised one
timing     how many frames to make, in how many takes, and how they become the promised rate
levers     what makes it faster or smaller: attention, compile, cache, quantisation, offload
model      a pipeline in memory; the shelf keeps the latest few
takes      one call of a pipeline, told step by step, tried again where memory ran out
engine     brief -> plan -> takes -> footage
"""
