exports.handler = async (event) => {
  for (const record of event.Records ?? [event]) console.log(JSON.stringify(record));
};
