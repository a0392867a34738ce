"""What the engines over diffusers share. It knows no model.

engine       brief -> size and plan -> takes -> footage
options      what the operator set                profile    what a model's weights want
weights      the folder they lie in               library    the one door to torch and diffusers
model        pipelines in memory, and the shelf   levers     what makes them faster or smaller
framing      which size to make, and its fitting  timing     how many frames, takes, what rate
shot         one call of a pipeline               sampler    the scheduler a profile wants
prompt_reader  who reads prompts: the pipeline's own text encoder, or a shared one:
               shared_reader asks, text_server answers, text_wire is what they say,
               text_identity tells whether they mean the same weights
crew         several GPUs make one film: the first one's side; peer is the others', orders what
             it tells them, ranks how they share the work
latent_view  what half-denoised latents look like
"""
