"""What the engines over diffusers share. It knows no model.

engine       brief -> size and plan -> takes -> footage
options      what the operator set                profile    what a model's weights want
weights      the folder they lie in               library    the one door to torch and diffusers
model        pipelines in memory, and the shelf   levers     what makes them faster or smaller
framing      which size to make, and its fitting  timing     how many frames, takes, what rate
shot         one call of a pipeline               sampler    the scheduler a profile wants
latent_view  what half-denoised latents look like
"""
